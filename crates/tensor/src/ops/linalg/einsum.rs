//! Sums of products over named dimensions.

use crate::{Error, Result, Tensor, wrap_dim};

/// A dimension of an equation: a letter, or one of those that an ellipsis stands for, counted from
/// the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// Sorted first in implicit outputs; `Reverse` of the place from the end.
    Ellipsis(std::cmp::Reverse<usize>),
    Letter(char),
}

/// One term of an equation: letters, with an ellipsis at a place.
struct Term {
    letters: Vec<char>,
    ellipsis: Option<usize>,
}

fn error(message: impl std::fmt::Display) -> Error {
    Error::runtime(format!("einsum(): {message}"))
}

/// Reads a term; `start` is its place in the equation and `whose` names it in messages.
fn parse(term: &str, start: usize, whose: &str) -> Result<Term> {
    let mut parsed = Term { letters: Vec::new(), ellipsis: None };
    let characters: Vec<char> = term.chars().collect();
    let mut i = 0;
    while i < characters.len() {
        match characters[i] {
            ' ' => {}
            '.' => {
                if parsed.ellipsis.is_some() {
                    return Err(error(format!("found '.' for {whose} for which an ellipsis was already found")));
                }
                if characters.get(i + 1) != Some(&'.') || characters.get(i + 2) != Some(&'.') {
                    return Err(error(format!("found '.' for {whose} that is not part of any ellipsis")));
                }
                parsed.ellipsis = Some(parsed.letters.len());
                i += 2;
            }
            c if c.is_ascii_alphabetic() => parsed.letters.push(c),
            _ => {
                return Err(error(format!(
                    "invalid subscript given at index {} in the equation string, subscripts must be in [a-zA-Z]",
                    start + i
                )));
            }
        }
        i += 1;
    }
    Ok(parsed)
}

impl Term {
    /// The labels of a tensor's dimensions, of which the ellipsis stands for `covered`.
    fn labels(&self, covered: usize) -> Vec<Label> {
        let mut labels: Vec<Label> = self.letters.iter().map(|&c| Label::Letter(c)).collect();
        if let Some(at) = self.ellipsis {
            labels.splice(at..at, (0..covered).rev().map(|i| Label::Ellipsis(std::cmp::Reverse(i))));
        }
        labels
    }
}

/// A tensor whose dimensions have names.
#[derive(Clone)]
struct Named {
    tensor: Tensor,
    labels: Vec<Label>,
}

impl Named {
    /// Takes the diagonal of repeated labels.
    fn new(mut tensor: Tensor, mut labels: Vec<Label>, operand: usize) -> Result<Self> {
        let mut i = 0;
        while i < labels.len() {
            let Some(first) = labels[..i].iter().position(|l| *l == labels[i]) else {
                i += 1;
                continue;
            };
            let shape = tensor.shape();
            if shape[first] != shape[i] {
                let Label::Letter(letter) = labels[i] else { return Err(error("a repeated ellipsis")) };
                return Err(error(format!(
                    "subscript {letter} is repeated for operand {operand} but the sizes don't match, {} != {}",
                    shape[i], shape[first]
                )));
            }
            tensor = tensor.diagonal(0, first as isize, i as isize)?.movedim(&[-1], &[first as isize])?;
            labels.remove(i);
        }
        Ok(Named { tensor, labels })
    }

    fn place(&self, label: Label) -> Option<usize> {
        self.labels.iter().position(|&l| l == label)
    }

    /// The size of a dimension; 1 where there is none.
    fn size(&self, label: Label) -> usize {
        self.place(label).map_or(1, |d| self.tensor.shape()[d])
    }

    fn sum(self, unwanted: impl Fn(Label) -> bool) -> Result<Self> {
        let dims: Vec<isize> =
            (0..self.labels.len()).filter(|&d| unwanted(self.labels[d])).map(|d| d as isize).collect();
        if dims.is_empty() {
            return Ok(self);
        }
        let tensor = self.tensor.sum_dims(&dims, false, None)?;
        Ok(Named { tensor, labels: self.labels.into_iter().filter(|&l| !unwanted(l)).collect() })
    }

    /// The dimensions in this order, with size 1 for those that are missing.
    fn arranged(&self, order: &[Label]) -> Result<Tensor> {
        let dims: Vec<isize> = order.iter().filter_map(|&l| self.place(l)).map(|d| d as isize).collect();
        let mut tensor = self.tensor.permute(&dims)?;
        for (at, &label) in order.iter().enumerate() {
            if self.place(label).is_none() {
                tensor = tensor.unsqueeze(at as isize)?;
            }
        }
        Ok(tensor)
    }

    /// The product of two, summed over the labels that nobody needs afterwards.
    fn times(self, other: Named, needed: impl Fn(Label) -> bool) -> Result<Named> {
        // What only one of them has, or repeats without end, is summed before.
        let alone = |x: &Named, y: &Named, l: Label| !needed(l) && y.place(l).is_none() && x.place(l).is_some();
        let (a, b) = (self.clone(), other.clone());
        let a = self.sum(|l| alone(&a, &b, l))?;
        let b = {
            let (x, y) = (a.clone(), other.clone());
            other.sum(|l| alone(&y, &x, l))?
        };
        let mut all = a.labels.clone();
        all.extend(b.labels.iter().filter(|l| !a.labels.contains(l)));
        let (mut both, mut left, mut right, mut summed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for &label in &all {
            match (a.place(label).is_some(), b.place(label).is_some()) {
                (true, true) if !needed(label) => summed.push(label),
                (true, true) => both.push(label),
                (true, false) => left.push(label),
                _ => right.push(label),
            }
        }
        let size = |l: Label| a.size(l).max(b.size(l));
        // A size of 0 beside 1 is 0.
        let size = |l: Label| if a.size(l) == 0 || b.size(l) == 0 { 0 } else { size(l) };
        let sizes = |labels: &[Label]| labels.iter().map(|&l| size(l)).collect::<Vec<usize>>();
        let shaped = |x: &Named, groups: [&[Label]; 3]| -> Result<Tensor> {
            let order: Vec<Label> = groups.concat();
            let full: Vec<usize> = sizes(&order);
            let shape: Vec<usize> = groups.iter().map(|g| sizes(g).iter().product()).collect();
            x.arranged(&order)?.expand_to(&full)?.reshape_to(&shape)
        };
        let product = shaped(&a, [&both, &left, &summed])?.bmm(&shaped(&b, [&both, &summed, &right])?)?;
        let labels = [both, left, right].concat();
        Ok(Named { tensor: product.reshape_to(&sizes(&labels))?, labels })
    }
}

/// Sums of products in Einstein's notation: `"ij,jk->ik"` is the product of matrices. Letters name
/// dimensions, `...` stands for any number of further ones that broadcast, repeated letters take a
/// diagonal. Without `->`, the letters that appear once, in alphabetical order, are the result's.
///
/// # Errors
/// If the equation is wrong or does not fit the operands.
pub fn einsum(equation: &str, operands: &[&Tensor]) -> Result<Tensor> {
    if operands.is_empty() {
        return Err(error("must provide at least one operand"));
    }
    let (left, right) = match equation.find("->") {
        Some(at) => (&equation[..at], Some(&equation[at + 2..])),
        None => (equation, None),
    };
    let mut terms = Vec::new();
    let mut start = 0;
    for (i, term) in left.split(',').enumerate() {
        terms.push(parse(term, start, &format!("operand {i}"))?);
        start += term.len() + 1;
    }
    if terms.len() != operands.len() {
        let which = if terms.len() > operands.len() { "fewer" } else { "more" };
        return Err(error(format!("{which} operands were provided than specified in the equation")));
    }
    let mut named = Vec::new();
    let mut covered_most = 0;
    for (i, (term, operand)) in terms.iter().zip(operands).enumerate() {
        let (letters, ndim) = (term.letters.len(), operand.ndim());
        let fits = if term.ellipsis.is_some() { letters <= ndim } else { letters == ndim };
        if !fits {
            let (compared, none) = if term.ellipsis.is_some() {
                ("is more than the number of dimensions", "")
            } else {
                ("does not match the number of dimensions", " and no ellipsis was given")
            };
            return Err(error(format!(
                "the number of subscripts in the equation ({letters}) {compared} ({ndim}) for operand {i}{none}"
            )));
        }
        let covered = ndim - letters;
        covered_most = covered_most.max(covered);
        named.push(Named::new((*operand).clone(), term.labels(covered), i)?);
    }
    // Sizes must agree, or be 1.
    let mut seen: Vec<(Label, usize)> = Vec::new();
    for (i, operand) in named.iter().enumerate() {
        for (&label, &size) in operand.labels.iter().zip(operand.tensor.shape().iter()) {
            match seen.iter_mut().find(|(l, _)| *l == label) {
                None => seen.push((label, size)),
                Some((_, before)) if *before == 1 => *before = size,
                Some((_, before)) if size != *before && size != 1 => {
                    let name = match label {
                        Label::Letter(c) => c.to_string(),
                        Label::Ellipsis(_) => "...".to_owned(),
                    };
                    return Err(error(format!(
                        "subscript {name} has size {size} for operand {i} which does not broadcast with previously seen size {before}"
                    )));
                }
                Some(_) => {}
            }
        }
    }
    let output = output_labels(equation, right, &terms, covered_most, &seen)?;
    let mut rest = named.into_iter();
    let Some(mut result) = rest.next() else { return Err(error("must provide at least one operand")) };
    let rest: Vec<Named> = rest.collect();
    for i in 0..rest.len() {
        let needed = |l: Label| output.contains(&l) || rest[i + 1..].iter().any(|r| r.place(l).is_some());
        result = result.times(rest[i].clone(), needed)?;
    }
    result.sum(|l| !output.contains(&l))?.arranged(&output)
}

fn output_labels(
    equation: &str,
    right: Option<&str>,
    terms: &[Term],
    covered: usize,
    seen: &[(Label, usize)],
) -> Result<Vec<Label>> {
    let Some(right) = right else {
        let count = |c: char| terms.iter().flat_map(|t| &t.letters).filter(|&&l| l == c).count();
        let mut labels: Vec<Label> = seen
            .iter()
            .map(|s| s.0)
            .filter(|l| match l {
                Label::Letter(c) => count(*c) == 1,
                Label::Ellipsis(_) => true,
            })
            .collect();
        labels.sort();
        return Ok(labels);
    };
    let term = parse(right, equation.len() - right.len(), "the output")?;
    for (i, letter) in term.letters.iter().enumerate() {
        if term.letters[..i].contains(letter) {
            return Err(error(format!("output subscript {letter} appears more than once in the output")));
        }
        if !seen.iter().any(|s| s.0 == Label::Letter(*letter)) {
            return Err(error(format!(
                "output subscript {letter} does not appear in the equation for any input operand"
            )));
        }
    }
    Ok(term.labels(covered))
}

/// Sums of products over the dimensions `dims_a` of one tensor and `dims_b` of another, in pairs;
/// the result has the other dimensions of both. A size of 1 broadcasts.
///
/// # Errors
/// If the lists differ in length or the sizes of a pair do.
pub fn tensordot(a: &Tensor, b: &Tensor, dims_a: &[isize], dims_b: &[isize]) -> Result<Tensor> {
    if dims_a.len() != dims_b.len() {
        return Err(Error::runtime("both dimension lists should have same length"));
    }
    let (mut a, mut b) = (a.clone(), b.clone());
    let (sa, sb) = (a.shape(), b.shape());
    let mut over_a = Vec::new();
    let mut over_b = Vec::new();
    for (&da, &db) in dims_a.iter().zip(dims_b) {
        let (x, y) = (wrap_dim(da, sa.len())?, wrap_dim(db, sb.len())?);
        if sa[x] != sb[y] && sb[y] == 1 {
            a = a.sum_dims(&[x as isize], true, None)?;
        } else if sa[x] != sb[y] && sa[x] == 1 {
            b = b.sum_dims(&[y as isize], true, None)?;
        } else if sa[x] != sb[y] {
            return Err(Error::runtime(format!(
                "contracted dimensions need to match, but first has size {} in dim {da} and second has size {} in dim {db}",
                sa[x], sb[y]
            )));
        }
        for (list, d) in [(&mut over_a, x), (&mut over_b, y)] {
            if list.contains(&d) {
                return Err(Error::runtime(format!("dim {d} appears multiple times in the list of dims")));
            }
            list.push(d);
        }
    }
    let (sa, sb) = (a.shape(), b.shape());
    let free = |ndim: usize, over: &[usize]| (0..ndim).filter(|d| !over.contains(d)).collect::<Vec<usize>>();
    let (free_a, free_b) = (free(sa.len(), &over_a), free(sb.len(), &over_b));
    let count = |shape: &[usize], dims: &[usize]| dims.iter().map(|&d| shape[d]).product::<usize>();
    let signed = |x: &[usize], y: &[usize]| x.iter().chain(y).map(|&d| d as isize).collect::<Vec<isize>>();
    let depth = count(&sa, &over_a);
    let left = a.permute(&signed(&free_a, &over_a))?.reshape_to(&[count(&sa, &free_a), depth])?;
    let right = b.permute(&signed(&over_b, &free_b))?.reshape_to(&[depth, count(&sb, &free_b)])?;
    let shape: Vec<usize> = free_a.iter().map(|&d| sa[d]).chain(free_b.iter().map(|&d| sb[d])).collect();
    left.mm(&right)?.reshape_to(&shape)
}
