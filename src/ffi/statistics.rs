//! Statistics: how much has passed over a connection, and how long things took.

use crate::base::lock::lock;
use crate::client::information::Timed;

use super::entry::find_socket;
use super::guard::checked;
use super::pointer;
use super::result::*;
use super::types::ws_socket;

/// What is counted of a connection. Filled by ws_get_statistics.
///
/// Bytes, frames and messages are those behind the opening handshake. What is sent counts when it
/// is queued, bytes_sent when the system has taken it; what is received counts at the end of the
/// I/O thread's turn, after its callbacks.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ws_statistics {
    /// Set by you to sizeof(ws_statistics) before the call.
    pub struct_size: u32,
    /// 1 when outbound_bits_per_second has reached what the path can do.
    pub outbound_bandwidth_peaked: u8,
    /// The same of inbound_bits_per_second. No system tells it: 0.
    pub inbound_bandwidth_peaked: u8,
    /// 0.
    pub reserved: u16,
    /// An estimate of the path, as the original has it, while the connection is open: on Linux the
    /// TCP delivery rate. Where the system estimates nothing this and the next three are 0.
    pub outbound_bits_per_second: u64,
    /// The same of what arrives.
    pub inbound_bits_per_second: u64,
    /// How much outbound_bits_per_second varies.
    pub outbound_bits_per_second_instability: u64,
    /// How much inbound_bits_per_second varies.
    pub inbound_bits_per_second_instability: u64,
    /// Bytes on the wire: frames with their headers; with TLS what is inside it.
    pub bytes_sent: u64,
    /// The same of what arrived.
    pub bytes_received: u64,
    /// Bytes of messages as you sent them.
    pub payload_bytes_sent: u64,
    /// Bytes of messages as you get them.
    pub payload_bytes_received: u64,
    /// Messages whose last frame was queued.
    pub messages_sent: u64,
    /// Messages whose last frame has arrived.
    pub messages_received: u64,
    /// Frames of every kind.
    pub frames_sent: u64,
    /// Frames of every kind.
    pub frames_received: u64,
    /// Pings of ws_ping and of the heartbeat.
    pub pings_sent: u64,
    /// Pings of the server.
    pub pings_received: u64,
    /// Answers to pings, and unsolicited pongs.
    pub pongs_sent: u64,
    /// Pongs of the server, whether they answer a ping or not.
    pub pongs_received: u64,
    /// Bytes of compressed messages as they are on the wire.
    pub compressed_bytes_sent: u64,
    /// Bytes of the same messages before they were compressed.
    pub uncompressed_bytes_sent: u64,
    /// Bytes of compressed messages as they were on the wire.
    pub compressed_bytes_received: u64,
    /// Bytes of the same messages after they were inflated.
    pub uncompressed_bytes_received: u64,
    /// The last time from a ping to its answer, in microseconds; 0 when none was answered.
    pub round_trip_us: u64,
    /// A mean in which later ones weigh more (RFC 6298, chapter 2), in microseconds.
    pub smoothed_round_trip_us: u64,
    /// The shortest, in microseconds.
    pub min_round_trip_us: u64,
    /// Looking up the name and preparing TLS, in microseconds. This and the next four are 0 for
    /// what there was no need of, or what has not ended.
    pub name_us: u64,
    /// Talking to a proxy, its TLS handshake included.
    pub proxy_us: u64,
    /// Connecting to an address, those that failed before included, in microseconds.
    pub tcp_us: u64,
    /// The TLS handshake, in microseconds. A custom validation counts nowhere.
    pub tls_us: u64,
    /// The upgrade request and its answer, in microseconds.
    pub http_us: u64,
}

/// Tells how much has passed over the connection, how long round trips and the phases of connecting
/// took.
///
/// It belongs to the last connect and stays readable until the socket connects again or is freed.
/// Before the first connect everything is 0. The numbers are not all of the same moment.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in,out] statistics  its struct_size says how much of the rest is filled.
/// @return WS_OK  statistics is filled.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  statistics is NULL.
/// @return WS_E_INVALIDARG  struct_size is less than 8.
/// @ownership  The caller owns statistics.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_statistics(
    socket: *mut ws_socket,
    statistics: *mut ws_statistics,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let link = &entry.socket.link;
        let (sent, received) = (link.sent(), link.received());
        let round_trip = link.round_trip();
        let stages = [Timed::Name, Timed::Proxy, Timed::Tcp, Timed::Tls, Timed::Http];
        let [name_us, proxy_us, tcp_us, tls_us, http_us] = {
            let known = lock(&link.information);
            stages.map(|stage| known.stage_us(stage))
        };
        let path = link.path_estimate();
        let value = ws_statistics {
            struct_size: size_of::<ws_statistics>() as u32,
            outbound_bandwidth_peaked: u8::from(path.outbound_peaked),
            inbound_bandwidth_peaked: 0,
            reserved: 0,
            outbound_bits_per_second: path.outbound_bits_per_second,
            inbound_bits_per_second: path.inbound_bits_per_second,
            outbound_bits_per_second_instability: path.outbound_instability,
            inbound_bits_per_second_instability: path.inbound_instability,
            bytes_sent: sent.bytes,
            bytes_received: received.bytes,
            payload_bytes_sent: sent.traffic.payload_bytes,
            payload_bytes_received: received.traffic.payload_bytes,
            messages_sent: sent.traffic.messages,
            messages_received: received.traffic.messages,
            frames_sent: sent.traffic.frames,
            frames_received: received.traffic.frames,
            pings_sent: sent.traffic.pings,
            pings_received: received.traffic.pings,
            pongs_sent: sent.traffic.pongs,
            pongs_received: received.traffic.pongs,
            compressed_bytes_sent: sent.traffic.compressed_bytes,
            uncompressed_bytes_sent: sent.traffic.inflated_bytes,
            compressed_bytes_received: received.traffic.compressed_bytes,
            uncompressed_bytes_received: received.traffic.inflated_bytes,
            round_trip_us: round_trip.last_us,
            smoothed_round_trip_us: round_trip.smoothed_us,
            min_round_trip_us: round_trip.min_us,
            name_us,
            proxy_us,
            tcp_us,
            tls_us,
            http_us,
        };
        pointer::write_record(statistics, value, c"statistics is NULL")
    })
}
