//! The Python operators of the family `reduce`.

use super::Table;
use crate::args::Args;
use crate::error::warn_from_library;
use flambeau_tensor::ops::{CovarianceOptions, VarianceOptions};
use flambeau_tensor::{Result, Tensor};

/// An operator with the options of a variance.
type Variance<R> = fn(&Tensor, VarianceOptions<'_>) -> Result<R>;

/// A variance, with a warning where there are not more elements than the correction takes away.
fn checked<R>((name, run): (&str, Variance<R>), tensor: &Tensor, options: VarianceOptions<'_>) -> Result<R> {
    let result = run(tensor, options)?;
    let size = |&dim: &isize| tensor.size(dim).unwrap_or(1);
    let reduced = if options.dims.is_empty() { tensor.numel() } else { options.dims.iter().map(size).product() };
    if tensor.numel() > 0 && reduced as f64 <= options.correction {
        warn_from_library(&format!(
            "{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel divided by output numel)."
        ))?;
    }
    Ok(result)
}

/// Calls with the options of a variance: dimensions, correction, whether dimensions are kept.
fn with_variance<R>(a: &Args, run: (&str, Variance<R>)) -> Result<R> {
    let dims = a.opt_dims(1).unwrap_or_default();
    let correction = a.opt_scalar(2).map_or(1.0, |c| c.to_f64());
    checked(run, a.tensor(0), VarianceOptions { dims: &dims, correction, keepdim: a.bool(3) })
}

/// The same for the older form, whose correction is 1 or 0.
fn with_unbiased<R>(a: &Args, run: (&str, Variance<R>)) -> Result<R> {
    let dims = a.opt_dims(1).unwrap_or_default();
    let correction = if a.bool(2) { 1.0 } else { 0.0 };
    checked(run, a.tensor(0), VarianceOptions { dims: &dims, correction, keepdim: a.bool(3) })
}

fn whole_unbiased<R>(a: &Args, run: (&str, Variance<R>)) -> Result<R> {
    let correction = if a.bool(1) { 1.0 } else { 0.0 };
    checked(run, a.tensor(0), VarianceOptions { dims: &[], correction, keepdim: false })
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    sums(table);
    extremes(table);
    moments(table);
    covariances(table);
    norms(table);
}

fn sums(table: &mut Table<'_>) {
    table.both("sum(Tensor input, *, ScalarType dtype=None)", |a| a.tensor(0).sum_as(a.dtype(1)));
    table.both("sum(Tensor input, int[1]? dim, bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)", |a| {
        a.tensor(0).sum_dims(&a.opt_dims(1).unwrap_or_default(), a.bool(2), a.dtype(3))
    });
    table.both("mean(Tensor input, *, ScalarType dtype=None, Tensor out=None)", |a| match a.dtype(1) {
        None => a.tensor(0).mean(),
        dtype => a.tensor(0).mean_dims(&[], false, dtype),
    });
    table.both("mean(Tensor input, int[1]? dim, bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)", |a| {
        a.tensor(0).mean_dims(&a.opt_dims(1).unwrap_or_default(), a.bool(2), a.dtype(3))
    });
    table.both(
        "nansum(Tensor input, int[1]? dim=None, bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)",
        |a| a.tensor(0).nansum(&a.opt_dims(1).unwrap_or_default(), a.bool(2), a.dtype(3)),
    );
    table.both(
        "nanmean(Tensor input, int[1]? dim=None, bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)",
        |a| a.tensor(0).nanmean(&a.opt_dims(1).unwrap_or_default(), a.bool(2), a.dtype(3)),
    );
    table.both("prod(Tensor input, *, ScalarType dtype=None)", |a| a.tensor(0).prod(a.dtype(1)));
    table.both("prod(Tensor input, int dim, bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)", |a| {
        a.tensor(0).prod_dim(a.dim(1), a.bool(2), a.dtype(3))
    });
    table.both("all(Tensor input, *, Tensor out=None)", |a| a.tensor(0).all());
    table.both("all(Tensor input, int[1]? dim=None, bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).all_dims(&a.opt_dims(1).unwrap_or_default(), a.bool(2))
    });
    table.both("any(Tensor input, *, Tensor out=None)", |a| a.tensor(0).any());
    table.both("any(Tensor input, int[1]? dim=None, bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).any_dims(&a.opt_dims(1).unwrap_or_default(), a.bool(2))
    });
    table.both("count_nonzero(Tensor input, int[1]? dim=None)", |a| {
        a.tensor(0).count_nonzero(&a.opt_dims(1).unwrap_or_default())
    });
    table.both("softmax(Tensor input, int dim, ScalarType dtype=None, *, Tensor out=None)", |a| match a.dtype(2) {
        None => a.tensor(0).softmax(a.dim(1)),
        Some(dtype) => a.tensor(0).softmax_in(a.dim(1), dtype),
    });
    table.both("log_softmax(Tensor input, int dim, ScalarType dtype=None, *, Tensor out=None)", |a| match a.dtype(2) {
        None => a.tensor(0).log_softmax(a.dim(1)),
        Some(dtype) => a.tensor(0).log_softmax_in(a.dim(1), dtype),
    });
}

fn extremes(table: &mut Table<'_>) {
    table.both("argmax(Tensor input, int dim=None, bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).argmax(a.opt_dim(1), a.bool(2))
    });
    table.both("argmin(Tensor input, int dim=None, bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).argmin(a.opt_dim(1), a.bool(2))
    });
    table.both("max(Tensor input, *, Tensor out=None)", |a| a.tensor(0).max());
    table.both("max(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).maximum(a.tensor(1)));
    table.both("max(Tensor input, int dim, bool keepdim=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).max_dim(a.dim(1), a.bool(2))
    });
    table.returns("max", &["values", "indices"]);
    table.both("min(Tensor input, *, Tensor out=None)", |a| a.tensor(0).min());
    table.both("min(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).minimum(a.tensor(1)));
    table.both("min(Tensor input, int dim, bool keepdim=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).min_dim(a.dim(1), a.bool(2))
    });
    table.returns("min", &["values", "indices"]);
    table.both("amax(Tensor input, int[1] dim=(), bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).amax(&a.dims(1), a.bool(2))
    });
    table.both("amin(Tensor input, int[1] dim=(), bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).amin(&a.dims(1), a.bool(2))
    });
    table.both("aminmax(Tensor input, *, int dim=None, bool keepdim=False, Tensor[] out=None)", |a| {
        a.tensor(0).aminmax(a.opt_dim(1), a.bool(2))
    });
    table.returns("aminmax", &["min", "max"]);
}

fn moments(table: &mut Table<'_>) {
    table.both("var(Tensor input, int[1]? dim, bool unbiased, bool keepdim=False, *, Tensor out=None)", |a| {
        with_unbiased(a, ("var", Tensor::var))
    });
    table.both(
        "var(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False, Tensor out=None)",
        |a| with_variance(a, ("var", Tensor::var)),
    );
    table.both("var(Tensor input, bool unbiased)", |a| whole_unbiased(a, ("var", Tensor::var)));
    table.both("std(Tensor input, int[1]? dim, bool unbiased, bool keepdim=False, *, Tensor out=None)", |a| {
        with_unbiased(a, ("std", Tensor::std))
    });
    table.both(
        "std(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False, Tensor out=None)",
        |a| with_variance(a, ("std", Tensor::std)),
    );
    table.both("std(Tensor input, bool unbiased)", |a| whole_unbiased(a, ("std", Tensor::std)));
    table.function("var_mean(Tensor input, int[1]? dim, bool unbiased, bool keepdim=False)", |a| {
        with_unbiased(a, ("var_mean", Tensor::var_mean))
    });
    table.function("var_mean(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)", |a| {
        with_variance(a, ("var_mean", Tensor::var_mean))
    });
    table.function("var_mean(Tensor input, bool unbiased)", |a| whole_unbiased(a, ("var_mean", Tensor::var_mean)));
    table.function("std_mean(Tensor input, int[1]? dim, bool unbiased, bool keepdim=False)", |a| {
        with_unbiased(a, ("std_mean", Tensor::std_mean))
    });
    table.function("std_mean(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)", |a| {
        with_variance(a, ("std_mean", Tensor::std_mean))
    });
    table.function("std_mean(Tensor input, bool unbiased)", |a| whole_unbiased(a, ("std_mean", Tensor::std_mean)));
}

fn covariances(table: &mut Table<'_>) {
    table.both("cov(Tensor input, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None)", |a| {
        a.tensor(0).cov(&CovarianceOptions {
            correction: a.int(1),
            frequencies: a.opt_tensor(2).cloned(),
            weights: a.opt_tensor(3).cloned(),
        })
    });
    table.both("corrcoef(Tensor input)", |a| a.tensor(0).corrcoef());
}

fn norms(table: &mut Table<'_>) {
    table.both("logsumexp(Tensor input, int[1] dim, bool keepdim=False, *, Tensor out=None)", |a| {
        a.tensor(0).logsumexp(&a.dims(1), a.bool(2))
    });
    table.both("dist(Tensor input, Tensor other, Scalar p=2)", |a| a.tensor(0).dist(a.tensor(1), a.scalar(2).to_f64()));
    let vector_norm = |a: &Args| {
        a.tensor(0).vector_norm(a.scalar(1).to_f64(), &a.opt_dims(2).unwrap_or_default(), a.bool(3), a.dtype(4))
    };
    table.function(
        "linalg_vector_norm(Tensor input, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)",
        vector_norm,
    );
}
