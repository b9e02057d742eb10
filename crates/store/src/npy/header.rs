//! The header of a `.npy` file: a magic string, a version, a length, and a Python dict.

use super::typestr::{dtype_of_kind, typestr};
use crate::FileDType;
use crate::safetensors::check_shape;
use flambeau_tensor::{DType, Error, Result};

/// How many bytes a header may take, the magic string included.
pub(super) const MAX_HEADER: usize = 1 << 16;
/// How many dimensions an array may have: as many as NumPy's own.
const MAX_DIMENSIONS: usize = 64;

#[derive(Debug)]
pub(super) struct Header {
    pub(super) dtype: FileDType,
    pub(super) big_endian: bool,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Where the numbers begin.
    pub(super) data: usize,
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::file(format!("the array's header is damaged: {what}"))
}

impl Header {
    /// Reads the header at the beginning of these bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let early = || damaged("it ends too early");
        if !bytes.starts_with(b"\x93NUMPY") {
            return Err(damaged("the magic string is not correct; expected b'\\x93NUMPY'"));
        }
        let (start, length) = match bytes.get(6).ok_or_else(early)? {
            1 => (10, bytes.get(8..10).map(|n| usize::from(u16::from_le_bytes([n[0], n[1]])))),
            2 | 3 => (12, bytes.get(8..12).map(|n| u32::from_le_bytes([n[0], n[1], n[2], n[3]]) as usize)),
            other => {
                return Err(damaged(format!(
                    "we only support format version (1,0), (2,0), and (3,0), not ({other},0)"
                )));
            }
        };
        let length = length.ok_or_else(early)?;
        if length > MAX_HEADER - 12 {
            return Err(damaged(format!("it would have {length} bytes")));
        }
        let text = bytes.get(start..start + length).ok_or_else(early)?;
        let text = std::str::from_utf8(text).map_err(|_| damaged("it is no text"))?;
        let mut parser = Parser(text);
        let (descr, fortran_order, shape) = parser.dict()?;
        let (dtype, big_endian) = dtype_of(&descr)?;
        check_shape("array", &shape)?;
        Ok(Header { dtype, big_endian, fortran_order, shape, data: start + length })
    }

    /// How many bytes the numbers take.
    pub(super) fn bytes(&self) -> usize {
        // `check_shape` has seen to it that no product overflows.
        self.shape.iter().product::<usize>() * (self.dtype.bits / 8)
    }

    /// The same, if the file has as many.
    pub(super) fn checked_bytes(&self, file: u64) -> Result<usize> {
        let bytes = self.bytes();
        let there = file.saturating_sub(self.data as u64);
        if bytes as u64 > there {
            return Err(Error::file(format!(
                "an array of shape {:?} and dtype {} takes {bytes} bytes, and the file has {there}",
                self.shape, self.dtype.name
            )));
        }
        Ok(bytes)
    }
}

/// The header of an array, padded so that the numbers begin at a multiple of 64 bytes.
pub(super) fn write(dtype: DType, shape: &[usize]) -> Result<Vec<u8>> {
    let descr = typestr(dtype)
        .ok_or_else(|| Error::file(format!("NumPy has no {}: convert the tensor to float32 first", dtype.name())))?;
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    // One size keeps its comma, as Python's tuples do.
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let mut dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    while !(dict.len() + 11).is_multiple_of(64) {
        dict.push(' ');
    }
    dict.push('\n');
    let length = u16::try_from(dict.len()).map_err(|_| Error::file("a tensor of too many dimensions for NumPy"))?;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(length.to_le_bytes());
    header.extend(dict.into_bytes());
    Ok(header)
}

/// A dtype such as `<f4`, and whether its bytes are in the big-endian order.
fn dtype_of(descr: &str) -> Result<(FileDType, bool)> {
    let (order, kind) = match descr.as_bytes().first() {
        Some(b'<' | b'>' | b'|' | b'=') => descr.split_at(1),
        _ => ("=", descr),
    };
    if kind.starts_with('O') {
        return Err(Error::file("Object arrays cannot be loaded when allow_pickle=False"));
    }
    let dtype =
        dtype_of_kind(kind).ok_or_else(|| Error::file(format!("an array of dtype {descr:?}, which no tensor has")))?;
    let big_endian = order == ">" || (order == "=" && cfg!(target_endian = "big"));
    Ok((dtype, big_endian))
}

/// Reads the part of Python's literals that headers are written in.
struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    fn eat(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(damaged(format!("{token:?} is missing"))) }
    }

    fn string(&mut self) -> Result<&'a str> {
        let quote = if self.eat("'") {
            '\''
        } else if self.eat("\"") {
            '"'
        } else if self.0.starts_with('[') {
            return Err(Error::file("an array of records, which no tensor is"));
        } else {
            return Err(damaged("a string is missing"));
        };
        let (text, rest) = self.0.split_once(quote).ok_or_else(|| damaged("a string without end"))?;
        self.0 = rest;
        Ok(text)
    }

    fn sizes(&mut self) -> Result<Vec<usize>> {
        self.expect("(")?;
        let mut sizes = Vec::new();
        while !self.eat(")") {
            let digits = self.0.trim_start();
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let size = digits[..end].parse().map_err(|_| damaged("a size that is no whole number"))?;
            // Python 2 wrote long integers with an L.
            self.0 = digits[end..].strip_prefix('L').unwrap_or(&digits[end..]);
            sizes.push(size);
            if sizes.len() > MAX_DIMENSIONS {
                return Err(damaged(format!("more than {MAX_DIMENSIONS} dimensions")));
            }
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(sizes)
    }

    fn dict(&mut self) -> Result<(String, bool, Vec<usize>)> {
        let (mut descr, mut order, mut shape) = (None, None, None);
        self.expect("{")?;
        while !self.eat("}") {
            let key = self.string()?;
            self.expect(":")?;
            match key {
                "descr" => descr = Some(self.string()?.to_owned()),
                "fortran_order" if self.eat("True") => order = Some(true),
                "fortran_order" => {
                    self.expect("False")?;
                    order = Some(false);
                }
                "shape" => shape = Some(self.sizes()?),
                other => return Err(damaged(format!("an unknown key {other:?}"))),
            }
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        match (descr, order, shape) {
            (Some(descr), Some(order), Some(shape)) => Ok((descr, order, shape)),
            _ => Err(damaged("it lacks a key of descr, fortran_order, shape")),
        }
    }
}
