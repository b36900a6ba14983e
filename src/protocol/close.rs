//! Close codes and close payloads. RFC 6455 §5.5.1, §7.4.

/// No code was in the close frame. Never sent.
pub const NO_STATUS: u16 = 1005;
/// There was no close frame. Never sent.
pub const ABNORMAL: u16 = 1006;
/// A reason is at most this long: 125 bytes of a control frame less two of the code.
pub const MAX_REASON_BYTES: usize = 123;

/// What a close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseStatus {
    /// 1005 when the frame was empty.
    pub code: u16,
    pub reason: Vec<u8>,
}

/// Codes that may stand in a close frame, of either side.
/// RFC 6455 §7.4.1, §7.4.2: 1004, 1005, 1006 and 1015 must not; below 1000 and from 5000 on
/// nothing is defined, 1016–2999 are reserved.
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// What is wrong with a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseFault {
    OneByte,
    Code(u16),
    ReasonNotUtf8,
}

/// Reads the payload of a close frame.
pub fn parse(payload: &[u8]) -> Result<CloseStatus, CloseFault> {
    // RFC 6455 §5.5.1: if there is a body, its first two bytes are the code.
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(CloseStatus { code: NO_STATUS, reason: Vec::new() })
        } else {
            Err(CloseFault::OneByte)
        };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(CloseFault::Code(code));
    }
    if std::str::from_utf8(reason).is_err() {
        return Err(CloseFault::ReasonNotUtf8);
    }
    Ok(CloseStatus { code, reason: reason.to_vec() })
}

/// Writes a close payload: empty for code 0 and 1005.
pub fn payload(code: u16, reason: &[u8]) -> Vec<u8> {
    if code == 0 || code == NO_STATUS {
        return Vec::new();
    }
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_judged_as_the_standard_says() {
        for code in 0..=u16::MAX {
            let allowed = match code {
                1004..=1006 | 1015 => false,
                1000..=1014 | 3000..=4999 => true,
                _ => false,
            };
            assert_eq!(may_be_sent(code), allowed, "{code}");
            assert_eq!(parse(&code.to_be_bytes()).is_ok(), allowed, "{code}");
        }
    }

    #[test]
    fn empty_payload_is_no_status() {
        assert_eq!(parse(b""), Ok(CloseStatus { code: NO_STATUS, reason: vec![] }));
        assert_eq!(payload(0, b""), b"");
        assert_eq!(payload(NO_STATUS, b""), b"");
    }

    #[test]
    fn payloads_are_read_back() {
        let written = payload(3001, "auf Wiedersehen, ä".as_bytes());
        assert_eq!(parse(&written).unwrap().reason, "auf Wiedersehen, ä".as_bytes());
    }

    #[test]
    fn one_byte_and_broken_reason_are_faults() {
        assert_eq!(parse(b"\x03"), Err(CloseFault::OneByte));
        assert_eq!(parse(b"\x03\xe8\xff"), Err(CloseFault::ReasonNotUtf8));
    }
}
