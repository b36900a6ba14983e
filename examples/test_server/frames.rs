//! Conversations a frame at a time, where whole messages are too coarse. Knows framing by
//! tungstenite's codec, and nothing of what the frames mean together.

use std::io::{Read, Write};

use tungstenite::Error;
use tungstenite::protocol::frame::coding::{Control, OpCode};
use tungstenite::protocol::frame::{Frame, FrameSocket};

/// Every frame comes back as it was, cut as it was cut. With permessage-deflate, too: what was
/// compressed for one direction, all of it and in its order, inflates in the other.
pub fn reflect(wire: impl Read + Write) -> Result<(), Error> {
    let mut wire = FrameSocket::new(wire);
    while let Some(frame) = next(&mut wire)? {
        let opcode = frame.header().opcode;
        match opcode {
            OpCode::Control(Control::Ping) => wire.send(Frame::pong(frame.into_payload()))?,
            _ => wire.send(frame)?,
        }
        if opcode == OpCode::Control(Control::Close) {
            break;
        }
    }
    Ok(())
}

/// So many pings are answered; from then on everything is read and nothing said.
pub fn fall_silent(wire: impl Read + Write, answers: usize) -> Result<(), Error> {
    let mut wire = FrameSocket::new(wire);
    let mut left = answers;
    while let Some(frame) = next(&mut wire)? {
        if frame.header().opcode == OpCode::Control(Control::Ping) && left > 0 {
            left -= 1;
            wire.send(Frame::pong(frame.into_payload()))?;
        }
    }
    Ok(())
}

/// The client's next frame, without its mask.
fn next(wire: &mut FrameSocket<impl Read>) -> Result<Option<Frame>, Error> {
    let Some(mut frame) = wire.read(None)? else { return Ok(None) };
    let key = frame.header_mut().mask.take().unwrap_or_default();
    let header = frame.header().clone();
    let payload = frame.into_payload();
    let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
    Ok(Some(Frame::from_payload(header, payload.collect::<Vec<_>>().into())))
}
