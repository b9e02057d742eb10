//! The protocol buffers of an event, encoded: fields are written one after the other, each with its
//! number and how long it is.

use flambeau_tensor::{Error, Result};

// Fields of `Event`.
const WALL_TIME: u32 = 1;
const STEP: u32 = 2;
pub const FILE_VERSION: u32 = 3;
pub const SUMMARY: u32 = 5;
// Of `Summary`.
pub const VALUE: u32 = 1;
// Of `Summary.Value`.
pub const TAG: u32 = 1;
pub const SIMPLE_VALUE: u32 = 2;
const IMAGE: u32 = 4;
pub const HISTOGRAM: u32 = 5;
const TENSOR: u32 = 8;
const METADATA: u32 = 9;

/// How a field's value is laid out.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Eight = 1,
    Lengthed = 2,
    Four = 5,
}

/// A message that grows field by field.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// One without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// An event at a time in seconds since 1970.
    pub fn event(time: f64, step: u64) -> Self {
        Self::new().double(WALL_TIME, time).integer(STEP, step)
    }

    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field) << 3 | wire as u64);
    }

    /// With a whole number.
    pub fn integer(mut self, field: u32, value: u64) -> Self {
        self.key(field, Wire::Varint);
        self.varint(value);
        self
    }

    /// With a 32-bit float.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, Wire::Four);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// With a 64-bit float.
    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.key(field, Wire::Eight);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// With several 64-bit floats.
    pub fn doubles(self, field: u32, values: impl IntoIterator<Item = f64>) -> Self {
        let packed: Vec<u8> = values.into_iter().flat_map(f64::to_le_bytes).collect();
        self.binary(field, &packed)
    }

    /// With bytes.
    pub fn binary(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, Wire::Lengthed);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// With a text.
    pub fn text(self, field: u32, value: &str) -> Self {
        self.binary(field, value.as_bytes())
    }

    /// With a message.
    pub fn message(self, field: u32, value: Self) -> Self {
        self.binary(field, &value.0)
    }

    /// With the fields of another message of the same type.
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// The value that the plugin for texts shows: a tensor of one string.
pub fn text(text: &str) -> Message {
    const DT_STRING: u64 = 7;
    let plugin = Message::new().text(1, "text");
    let metadata = Message::new().message(1, plugin);
    let shape = Message::new().message(2, Message::new().integer(1, 1));
    let tensor = Message::new().integer(1, DT_STRING).message(2, shape).text(8, text);
    Message::new().message(TENSOR, tensor).message(METADATA, metadata)
}

/// The value that is a picture. Its size is in the PNG's first chunk.
pub fn image(png: &[u8]) -> Result<Message> {
    const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let size = |bytes: &[u8]| bytes.iter().fold(0, |size, &byte| size << 8 | u64::from(byte));
    let Some([w0, w1, w2, w3, h0, h1, h2, h3, _depth, colour, ..]) = png.strip_prefix(HEAD) else {
        return Err(Error::value("a picture of an event file is a PNG"));
    };
    let channels = match colour {
        0 => 1,
        4 => 2,
        6 => 4,
        _ => 3,
    };
    let image = Message::new()
        .integer(1, size(&[*h0, *h1, *h2, *h3]))
        .integer(2, size(&[*w0, *w1, *w2, *w3]))
        .integer(3, channels)
        .binary(4, png);
    Ok(Message::new().message(IMAGE, image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_the_standard() {
        // https://protobuf.dev/programming-guides/encoding
        assert_eq!(Message::new().integer(1, 150).bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::new().text(2, "testing").bytes(), b"\x12\x07testing");
        let inner = Message::new().integer(1, 150);
        assert_eq!(Message::new().message(3, inner).bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::new().float(1, 1.0).bytes(), [0x0d, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn a_picture_is_a_png() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x02\0\0\0\x03\x08\0\0\0\0".to_vec();
        let message = image(&png).expect("a picture");
        // Height 3, width 258, one channel.
        assert_eq!(&message.bytes()[2..9], [8, 3, 16, 0x82, 0x02, 24, 1]);
        png[1] = b'p';
        assert!(image(&png).is_err());
        assert!(image(b"").is_err());
    }
}
