//! Tensors as text, as PyTorch prints them.
//!
//! All numbers of a tensor share one format, found from those that are shown: integers without
//! decimals, others with [`PrintOptions::precision`] digits, and in scientific notation where the
//! magnitudes lie far apart. Large tensors show the edges of each dimension only.

mod number;

use crate::{Access, DType, Result, Scalar, Tensor};
use number::Format;
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// How tensors are printed (`torch.set_printoptions`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrintOptions {
    /// Digits after the point.
    pub precision: usize,
    /// A tensor of more elements shows its edges only; infinity shows all.
    pub threshold: f64,
    /// How many indices an edge has.
    pub edgeitems: usize,
    /// How many characters a line may have.
    pub linewidth: usize,
    /// Whether to use scientific notation; decided by the numbers if `None`.
    pub sci_mode: Option<bool>,
}

impl Default for PrintOptions {
    fn default() -> Self {
        DEFAULT
    }
}

const DEFAULT: PrintOptions =
    PrintOptions { precision: 4, threshold: 1000.0, edgeitems: 3, linewidth: 80, sci_mode: None };

static OPTIONS: RwLock<PrintOptions> = RwLock::new(DEFAULT);

impl PrintOptions {
    /// Two digits and two indices at an edge (PyTorch's profile `short`).
    pub fn short() -> Self {
        PrintOptions { precision: 2, edgeitems: 2, ..DEFAULT }
    }

    /// Every element (PyTorch's profile `full`).
    pub fn full() -> Self {
        PrintOptions { threshold: f64::INFINITY, ..DEFAULT }
    }
}

/// How tensors are printed at present.
pub fn print_options() -> PrintOptions {
    *OPTIONS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Sets how tensors are printed.
pub fn set_print_options(options: PrintOptions) {
    *OPTIONS.write().unwrap_or_else(PoisonError::into_inner) = options;
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text("tensor", None, None, &print_options()).map_err(|_| fmt::Error)?)
    }
}

impl Tensor {
    /// The tensor as text: `name(numbers, dtype=…, grad_fn=<…>)`.
    ///
    /// `contents` takes the numbers' place; `grad_fn` is the name to show instead of the node's own.
    ///
    /// # Errors
    /// If the memory cannot be accessed.
    pub fn to_text(
        &self,
        name: &str,
        contents: Option<&str>,
        grad_fn: Option<&str>,
        options: &PrintOptions,
    ) -> Result<String> {
        let indent = name.len() + 1;
        let numbers = match contents {
            Some(contents) => contents.to_owned(),
            None => self.numbers_text(indent, options)?,
        };
        let node = self.grad_fn();
        let grad_fn = grad_fn.or_else(|| node.as_ref().map(|n| n.name().rsplit("::").next().unwrap_or_default()));
        let mut suffixes = self.description(options);
        match grad_fn {
            Some(grad_fn) => suffixes.push(format!("grad_fn=<{grad_fn}>")),
            None if self.requires_grad() => suffixes.push("requires_grad=True".to_owned()),
            None => {}
        }
        Ok(with_suffixes(format!("{name}({numbers}"), &suffixes, indent, options.linewidth))
    }

    /// What the numbers alone do not tell of shape and dtype.
    fn description(&self, options: &PrintOptions) -> Vec<String> {
        let (shape, dtype, default) = (self.shape(), self.dtype(), crate::get_default_dtype());
        let empty = self.numel() == 0;
        let mut suffixes = Vec::new();
        if if empty { shape.len() != 1 } else { options.edgeitems == 0 } {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            let comma = if sizes.len() == 1 { "," } else { "" };
            suffixes.push(format!("size=({}{comma})", sizes.join(", ")));
        }
        // Where there are numbers to see, integers and truth values show their default dtypes.
        let told = dtype == default
            || dtype == default.to_complex() && default.is_floating_point()
            || (!empty && matches!(dtype, DType::I64 | DType::Bool));
        if !told {
            suffixes.push(format!("dtype=torch.{dtype}"));
        }
        suffixes
    }

    fn numbers_text(&self, indent: usize, options: &PrintOptions) -> Result<String> {
        if self.numel() == 0 {
            return Ok("[]".to_owned());
        }
        let shape = self.shape();
        let summarized = self.numel() as f64 > options.threshold;
        let shown: Vec<Vec<Option<usize>>> =
            shape.iter().map(|&size| shown_indices(size, summarized, options.edgeitems)).collect();
        let real = self.detach().real()?;
        let values = real.values_at(&shown)?;
        let format = Format::of(&values, real.dtype(), options);
        let imaginary = if self.dtype().is_complex() { self.detach().imag()?.values_at(&shown)? } else { Vec::new() };
        let imaginary = (!imaginary.is_empty())
            .then(|| Imaginary { format: Format::of(&imaginary, real.dtype(), options), values: imaginary.iter() });
        let values = values.iter();
        let mut printer = Printer { shown: &shown, values, format, imaginary, linewidth: options.linewidth };
        let mut out = String::new();
        printer.print(0, indent, &mut out);
        Ok(out)
    }

    /// The elements at these indices of each dimension, in row-major order.
    fn values_at(&self, shown: &[Vec<Option<usize>>]) -> Result<Vec<Scalar>> {
        let array = self.array();
        let mut offsets = vec![0usize];
        for (indices, stride) in shown.iter().zip(array.strides()) {
            let steps: Vec<usize> = indices.iter().flatten().map(|i| i * stride).collect();
            offsets = offsets.iter().flat_map(|at| steps.iter().map(move |step| at + step)).collect();
        }
        let access = Access::new(&[&array], &[])?;
        Ok(crate::dispatch!(array.dtype(), T => {
            use crate::element::Element;
            let base = access.pointer::<T>(&array);
            let read = |at: usize| {
                // SAFETY: the offset of an index inside the array's layout, read under its lock.
                let value = unsafe { *base.add(at) };
                match array.dtype() {
                    DType::Bool => Scalar::Bool(value.to_i64() != 0),
                    d if d.is_floating_point() => Scalar::Float(value.to_f64()),
                    _ => Scalar::Int(value.to_i64()),
                }
            };
            offsets.into_iter().map(read).collect()
        }))
    }
}

/// The indices of a dimension that are shown; `None` stands for those left out.
fn shown_indices(size: usize, summarized: bool, edge: usize) -> Vec<Option<usize>> {
    if summarized && size > 2 * edge {
        (0..edge).map(Some).chain([None]).chain((size - edge..size).map(Some)).collect()
    } else {
        (0..size).map(Some).collect()
    }
}

/// The imaginary parts of complex numbers, which have a format of their own.
struct Imaginary<'a> {
    values: std::slice::Iter<'a, Scalar>,
    format: Format,
}

struct Printer<'a> {
    shown: &'a [Vec<Option<usize>>],
    values: std::slice::Iter<'a, Scalar>,
    format: Format,
    imaginary: Option<Imaginary<'a>>,
    linewidth: usize,
}

impl Printer<'_> {
    fn next(&mut self) -> String {
        let mut text = self.values.next().map_or_else(String::new, |value| self.format.text(*value));
        if let Some(imaginary) = &mut self.imaginary
            && let Some(value) = imaginary.values.next()
        {
            let part = imaginary.format.text(*value);
            let part = part.trim_start();
            if !part.starts_with(['+', '-']) {
                text.push('+');
            }
            text.push_str(part);
            text.push('j');
        }
        text
    }

    /// Characters that a number takes.
    fn width(&self) -> usize {
        self.format.width() + self.imaginary.as_ref().map_or(0, |part| part.format.width() + 1)
    }

    /// Prints from dimension `dim` on, in column `indent`.
    fn print(&mut self, dim: usize, indent: usize, out: &mut String) {
        let rest = self.shown.len() - dim;
        if rest == 0 {
            let text = self.next();
            out.push_str(&text);
            return;
        }
        out.push('[');
        let indices = &self.shown[dim];
        let per_line = (self.linewidth.saturating_sub(indent) / (self.width() + 2)).max(1);
        for (i, index) in indices.iter().enumerate() {
            if i > 0 {
                let breaks = if rest > 1 { rest - 1 } else { usize::from(i % per_line == 0) };
                out.push(',');
                if breaks == 0 {
                    out.push(' ');
                } else {
                    out.extend(std::iter::repeat_n('\n', breaks));
                    out.extend(std::iter::repeat_n(' ', indent + 1));
                }
            }
            match index {
                Some(_) => self.print(dim + 1, indent + 1, out),
                // In a line of numbers the dots take part in the spacing.
                None => out.push_str(if rest == 1 && indices.len() > 1 { " ..." } else { "..." }),
            }
        }
        out.push(']');
    }
}

/// Appends the suffixes, each on a new line if the present one has no room for it.
fn with_suffixes(mut text: String, suffixes: &[String], indent: usize, linewidth: usize) -> String {
    // What stands in the last line, with the comma and the space that follow it.
    let mut length = text.len() - text.rfind('\n').map_or(0, |at| at + 1) + 2;
    for suffix in suffixes {
        if length + suffix.len() + 2 > linewidth {
            text.push_str(",\n");
            text.extend(std::iter::repeat_n(' ', indent));
            length = indent + suffix.len();
        } else {
            text.push_str(", ");
            length += suffix.len() + 2;
        }
        text.push_str(suffix);
    }
    text.push(')');
    text
}
