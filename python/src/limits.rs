//! `finfo` and `iinfo`: what numbers a dtype can hold.

use crate::objects::PyDType;
use flambeau_tensor::{DType, get_default_dtype};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// The limits of a floating-point dtype.
#[pyclass(frozen, eq, name = "finfo", module = "flambeau")]
#[derive(PartialEq)]
pub struct FInfo {
    dtype: DType,
    #[pyo3(get)]
    bits: usize,
    #[pyo3(get)]
    eps: f64,
    #[pyo3(get)]
    max: f64,
    #[pyo3(get)]
    min: f64,
    #[pyo3(get)]
    smallest_normal: f64,
    #[pyo3(get)]
    tiny: f64,
    #[pyo3(get)]
    resolution: f64,
}

#[pymethods]
impl FInfo {
    #[new]
    #[pyo3(signature = (r#type=None))]
    fn new(r#type: Option<&Bound<'_, PyDType>>) -> PyResult<Self> {
        let dtype = r#type.map(|d| d.get().dtype()).transpose()?.unwrap_or_else(get_default_dtype);
        let (eps, max, smallest_normal, resolution) = match dtype {
            DType::F64 => (f64::EPSILON, f64::MAX, f64::MIN_POSITIVE, 1e-15),
            DType::F32 => (f64::from(f32::EPSILON), f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE), 1e-6),
            DType::F16 => (2f64.powi(-10), 65504.0, 2f64.powi(-14), 1e-3),
            DType::BF16 => (2f64.powi(-7), f64::from(f32::from_bits(0x7F7F_0000)), 2f64.powi(-126), 1e-2),
            _ => {
                return Err(PyTypeError::new_err(
                    "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'",
                ));
            }
        };
        Ok(FInfo {
            dtype,
            bits: dtype.size() * 8,
            eps,
            max,
            min: -max,
            smallest_normal,
            tiny: smallest_normal,
            resolution,
        })
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }

    fn __repr__(&self) -> String {
        format!(
            "finfo(resolution={}, min={}, max={}, eps={}, smallest_normal={}, tiny={}, dtype={})",
            six_digits(self.resolution),
            six_digits(self.min),
            six_digits(self.max),
            six_digits(self.eps),
            six_digits(self.smallest_normal),
            six_digits(self.tiny),
            self.dtype.name()
        )
    }
}

/// A number as C's `%g` writes it: six significant digits.
fn six_digits(value: f64) -> String {
    let scientific = format!("{value:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        let plain = format!("{value:.decimals$}");
        return if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.').to_owned() } else { plain };
    }
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The limits of an integer dtype.
#[pyclass(frozen, eq, name = "iinfo", module = "flambeau")]
#[derive(PartialEq)]
pub struct IInfo {
    dtype: DType,
    #[pyo3(get)]
    bits: usize,
    #[pyo3(get)]
    max: i64,
    #[pyo3(get)]
    min: i64,
}

#[pymethods]
impl IInfo {
    #[new]
    fn new(r#type: &Bound<'_, PyDType>) -> PyResult<Self> {
        let dtype = r#type.get().dtype()?;
        let (min, max) = match dtype {
            DType::U8 => (0, i64::from(u8::MAX)),
            DType::I8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
            DType::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
            DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            DType::I64 => (i64::MIN, i64::MAX),
            DType::Bool => {
                return Err(PyTypeError::new_err("torch.bool is not supported by torch.iinfo"));
            }
            _ => {
                return Err(PyTypeError::new_err(
                    "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'",
                ));
            }
        };
        Ok(IInfo { dtype, bits: dtype.size() * 8, max, min })
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }

    fn __repr__(&self) -> String {
        format!("iinfo(min={}, max={}, dtype={})", self.min, self.max, self.dtype.name())
    }
}
