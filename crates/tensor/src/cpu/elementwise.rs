//! [`Elementwise`] on the CPU.

use super::Cpu;
use crate::backend::Elementwise;
use crate::backend::elementwise::{BinaryOp, CompareOp, PredicateOp, Source, TernaryOp, UnaryOp};
use crate::{Access, Array, DType, Error, Result, Scalar, dispatch};
use flambeau_kernels::elementwise::{self as kernel, Compute, Input, Kernel, Kind, Number, Output, Parameters};
use smallvec::SmallVec;

/// What the kernels call a dtype.
///
/// # Errors
/// For complex numbers, which the kernels compute on as pairs of reals.
pub(crate) fn kind(dtype: DType) -> Result<Kind> {
    Ok(match dtype {
        DType::Bool => Kind::Bool,
        DType::U8 => Kind::U8,
        DType::I8 => Kind::I8,
        DType::I16 => Kind::I16,
        DType::I32 => Kind::I32,
        DType::I64 => Kind::I64,
        DType::F16 => Kind::F16,
        DType::BF16 => Kind::BF16,
        DType::F32 => Kind::F32,
        DType::F64 => Kind::F64,
        DType::C64 | DType::C128 => return Err(super::unsupported(dtype)),
    })
}

/// The type that a dtype's arithmetic is done in.
///
/// # Errors
/// As [`kind`].
pub(crate) fn compute_type(dtype: DType) -> Result<Compute> {
    Ok(kind(dtype)?.compute())
}

/// A number as the kernels take it.
pub(crate) fn number(scalar: Scalar) -> Number {
    match scalar {
        Scalar::Float(f) => Number::Float(f),
        other => Number::Int(other.to_i64()),
    }
}

fn parameters(first: Scalar, second: Scalar) -> Parameters {
    Parameters::new(number(first), number(second))
}

/// The address of an array's first element for reading.
pub(crate) fn address(access: &Access<'_>, array: &Array) -> *const u8 {
    dispatch!(array.dtype(), T => access.pointer::<T>(array).cast())
}

/// The address of an array's first element for writing.
pub(crate) fn address_mut(access: &Access<'_>, array: &Array) -> *mut u8 {
    dispatch!(array.dtype(), T => access.pointer_mut::<T>(array).cast())
}

/// An array as the kernels read it.
pub(crate) fn input<'a>(access: &Access<'_>, source: Source<'a>) -> Result<Input<'a>> {
    Ok(match source {
        Source::Array(a) => Input::Memory { pointer: address(access, a), kind: kind(a.dtype())?, strides: a.strides() },
        Source::Number(n) => Input::Number(number(n)),
    })
}

/// An array as the kernels write it.
pub(crate) fn output<'a>(access: &Access<'_>, out: &'a Array) -> Result<Output<'a>> {
    Ok(Output { pointer: address_mut(access, out), kind: kind(out.dtype())?, strides: out.strides() })
}

fn lock<'a>(sources: &[Source<'a>], out: &'a Array) -> Result<Access<'a>> {
    let mut reads: SmallVec<[&Array; 3]> = SmallVec::new();
    for source in sources {
        if let Source::Array(a) = source {
            assert_eq!(a.shape(), out.shape(), "sources are broadcast to the output's shape");
            reads.push(a);
        }
    }
    Access::new(&reads, &[out])
}

fn apply(kernel: &Kernel, parameters: &Parameters, sources: &[Source<'_>], out: &Array) -> Result<()> {
    let access = lock(sources, out)?;
    let inputs: SmallVec<[Input<'_>; 3]> = sources.iter().map(|&s| input(&access, s)).collect::<Result<_>>()?;
    let output = output(&access, out)?;
    // SAFETY: the arrays' layouts lie inside their storages, which are locked; operators write to
    // no array that shows one element twice.
    unsafe { kernel::run(out.shape(), output, &inputs, kernel, parameters) };
    Ok(())
}

fn missing(op: impl std::fmt::Debug, dtype: DType) -> Error {
    Error::not_implemented(format!(
        "\"{}_cpu\" not implemented for '{}'",
        format!("{op:?}").to_lowercase(),
        dtype.scalar_type_name()
    ))
}

impl Elementwise for Cpu {
    fn unary(&self, op: UnaryOp, compute: DType, numbers: [Scalar; 2], a: Source<'_>, out: &Array) -> Result<()> {
        let kernel = kernel::unary(op, compute_type(compute)?).ok_or_else(|| missing(op, compute))?;
        apply(&kernel, &parameters(numbers[0], numbers[1]), &[a], out)
    }

    fn predicate(&self, op: PredicateOp, compute: DType, a: Source<'_>, out: &Array) -> Result<()> {
        apply(&kernel::predicate(op, compute_type(compute)?), &Parameters::NONE, &[a], out)
    }

    fn binary(&self, op: BinaryOp, compute: DType, alpha: Scalar, inputs: [Source<'_>; 2], out: &Array) -> Result<()> {
        let kernel = kernel::binary(op, compute_type(compute)?).ok_or_else(|| missing(op, compute))?;
        apply(&kernel, &parameters(alpha, alpha), &inputs, out)
    }

    fn compare(&self, op: CompareOp, compute: DType, inputs: [Source<'_>; 2], out: &Array) -> Result<()> {
        apply(&kernel::compare(op, compute_type(compute)?), &Parameters::NONE, &inputs, out)
    }

    fn ternary(
        &self,
        op: TernaryOp,
        compute: DType,
        alpha: Scalar,
        inputs: [Source<'_>; 3],
        out: &Array,
    ) -> Result<()> {
        let kernel = kernel::ternary(op, compute_type(compute)?).ok_or_else(|| missing(op, compute))?;
        apply(&kernel, &parameters(alpha, alpha), &inputs, out)
    }

    fn select(&self, compute: DType, condition: Source<'_>, inputs: [Source<'_>; 2], out: &Array) -> Result<()> {
        apply(&kernel::select(compute_type(compute)?), &Parameters::NONE, &[condition, inputs[0], inputs[1]], out)
    }

    fn copy(&self, source: &Array, out: &Array) -> Result<()> {
        match (source.dtype().is_complex(), out.dtype().is_complex()) {
            (false, false) => {}
            (true, true) => return self.copy(&source.as_real()?, &out.as_real()?),
            (true, false) => return self.copy(&source.part(0)?, out),
            (false, true) => {
                self.copy(source, &out.part(0)?)?;
                return self.fill(&out.part(1)?, Scalar::Int(0));
            }
        }
        let access = lock(&[source.into()], out)?;
        let (target, origin) = (output(&access, out)?, input(&access, source.into())?);
        // SAFETY: as in `apply`.
        unsafe { kernel::copy(out.shape(), target, origin) };
        Ok(())
    }

    fn fill(&self, out: &Array, value: Scalar) -> Result<()> {
        if out.dtype().is_complex() {
            self.fill(&out.part(0)?, value)?;
            return self.fill(&out.part(1)?, Scalar::Int(0));
        }
        let access = lock(&[], out)?;
        let target = output(&access, out)?;
        // SAFETY: as in `apply`.
        unsafe { kernel::fill(out.shape(), target, number(value)) };
        Ok(())
    }
}
