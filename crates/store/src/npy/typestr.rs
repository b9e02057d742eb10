//! NumPy's names of dtypes: byte order, kind, bytes.

use crate::FileDType;
use flambeau_tensor::DType;

/// NumPy's names, in little-endian order, and PyTorch's.
const NAMES: [(&str, &str); 14] = [
    ("|b1", "bool"),
    ("|u1", "uint8"),
    ("|i1", "int8"),
    ("<i2", "int16"),
    ("<i4", "int32"),
    ("<i8", "int64"),
    ("<u2", "uint16"),
    ("<u4", "uint32"),
    ("<u8", "uint64"),
    ("<f2", "float16"),
    ("<f4", "float32"),
    ("<f8", "float64"),
    ("<c8", "complex64"),
    ("<c16", "complex128"),
];

/// NumPy's name of a dtype, such as `<f4`; none of bfloat16, which NumPy does not have.
pub fn typestr(dtype: DType) -> Option<&'static str> {
    NAMES.iter().find(|(_, name)| *name == dtype.name()).map(|&(typestr, _)| typestr)
}

/// The dtype that NumPy names by a kind and a number of bytes, without the order: `f4`.
pub fn dtype_of_kind(kind: &str) -> Option<FileDType> {
    NAMES.iter().find(|(typestr, _)| typestr[1..] == *kind).and_then(|&(_, name)| FileDType::named(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for &dtype in DType::ALL.iter().filter(|&&dtype| dtype != DType::BF16) {
            let name = typestr(dtype).expect("a name");
            assert_eq!(dtype_of_kind(&name[1..]).and_then(|found| found.dtype), Some(dtype), "{name}");
        }
        assert_eq!(typestr(DType::BF16), None);
        assert_eq!(dtype_of_kind("u2").map(|found| (found.name, found.dtype)), Some(("uint16", None)));
        assert_eq!(dtype_of_kind("O"), None);
    }
}
