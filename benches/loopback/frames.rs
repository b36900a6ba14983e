//! The bytes of frames, as the server needs them. Knows no connections.

/// The lengths of a client's header and payload. RFC 6455 §5.2.
pub fn masked_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let short = usize::from(*bytes.get(1)? & 0x7F);
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => return (bytes.len() >= 6).then_some((6, short)),
    };
    let header = 2 + extended + 4;
    let number = bytes.get(2..2 + extended)?;
    let len = number.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
    (bytes.len() >= header).then_some((header, len))
}

pub fn push_length(header: &mut Vec<u8>, len: usize) {
    match len {
        0..126 => header.push(len as u8),
        126..65536 => {
            header.push(126);
            header.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            header.push(127);
            header.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

pub fn whole(is_text: bool, len: usize) -> Vec<u8> {
    let mut frame = vec![if is_text { 0x81 } else { 0x82 }];
    push_length(&mut frame, len);
    frame.resize(frame.len() + len, b'a');
    frame
}

/// A message in several frames.
pub fn fragments(is_text: bool, len: usize, fragment: usize) -> Vec<u8> {
    let mut message = Vec::new();
    let mut left = len;
    while left > 0 || message.is_empty() {
        let piece = left.min(fragment);
        let opcode = match (message.is_empty(), is_text) {
            (false, _) => 0x00,
            (true, true) => 0x01,
            (true, false) => 0x02,
        };
        left -= piece;
        message.push(if left == 0 { 0x80 | opcode } else { opcode });
        push_length(&mut message, piece);
        message.resize(message.len() + piece, b'a');
    }
    message
}
