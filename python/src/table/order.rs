//! The Python operators of the family `order`: running results, sorting, selection, distinct values,
//! search and counting.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::{Operand, QuantileOptions, SearchOptions, Unique, UniqueOptions, bucketize_scalar};
use flambeau_tensor::{Error, Result, Tensor};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    running(table);
    sorting(table);
    selection(table);
    quantiles(table);
    differences(table);
    distinct(table);
    counting(table);
    for name in ["cummax", "cummin", "sort", "topk", "kthvalue", "median", "nanmedian", "mode"] {
        table.returns(name, &["values", "indices"]);
    }
}

fn running(table: &mut Table<'_>) {
    table.both("cumsum(Tensor input, int dim, *, ScalarType dtype=None, Tensor out=None)", |a| {
        a.tensor(0).cumsum(a.dim(1), a.dtype(2))
    });
    table.method("cumsum_(Tensor input, int dim, *, ScalarType dtype=None)", |a| {
        a.tensor(0).cumsum_(a.dim(1), a.dtype(2))
    });
    table.both("cumprod(Tensor input, int dim, *, ScalarType dtype=None, Tensor out=None)", |a| {
        a.tensor(0).cumprod(a.dim(1), a.dtype(2))
    });
    table.method("cumprod_(Tensor input, int dim, *, ScalarType dtype=None)", |a| {
        a.tensor(0).cumprod_(a.dim(1), a.dtype(2))
    });
    table.both("logcumsumexp(Tensor input, int dim, *, Tensor out=None)", |a| a.tensor(0).logcumsumexp(a.dim(1)));
    table.both("cummax(Tensor input, int dim, *, Tensor[] out=None)", |a| a.tensor(0).cummax(a.dim(1)));
    table.both("cummin(Tensor input, int dim, *, Tensor[] out=None)", |a| a.tensor(0).cummin(a.dim(1)));
}

fn sorting(table: &mut Table<'_>) {
    table.both("sort(Tensor input, *, bool? stable, int dim=-1, bool descending=False, Tensor[] out=None)", |a| {
        a.tensor(0).sort_stable(a.dim(2), a.bool(3))
    });
    table.both("sort(Tensor input, int dim=-1, bool descending=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).sort(a.dim(1), a.bool(2))
    });
    table.both("argsort(Tensor input, *, bool stable, int dim=-1, bool descending=False, Tensor out=None)", |a| {
        a.tensor(0).argsort(a.dim(2), a.bool(3))
    });
    table
        .both("argsort(Tensor input, int dim=-1, bool descending=False)", |a| a.tensor(0).argsort(a.dim(1), a.bool(2)));
    table.both("msort(Tensor input, *, Tensor out=None)", |a| a.tensor(0).msort());
}

fn selection(table: &mut Table<'_>) {
    table.both(
        "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True, *, Tensor[] out=None)",
        |a| a.tensor(0).topk(a.int(1), a.dim(2), a.bool(3)),
    );
    table.both("kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).kthvalue(a.int(1), a.dim(2), a.bool(3))
    });
    table.both("median(Tensor input)", |a| a.tensor(0).median());
    table.both("median(Tensor input, int dim, bool keepdim=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).median_dim(a.dim(1), a.bool(2))
    });
    table.both("nanmedian(Tensor input)", |a| a.tensor(0).nanmedian());
    table.both("nanmedian(Tensor input, int dim, bool keepdim=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).nanmedian_dim(a.dim(1), a.bool(2))
    });
    table.both("mode(Tensor input, int dim=-1, bool keepdim=False, *, Tensor[] out=None)", |a| {
        a.tensor(0).mode(a.dim(1), a.bool(2))
    });
}

fn quantile(a: &Args, q: &Tensor, ignore_nan: bool) -> Result<Tensor> {
    let interpolation = a.str(4).parse()?;
    a.tensor(0).quantile(q, QuantileOptions { dim: a.opt_dim(2), keepdim: a.bool(3), interpolation, ignore_nan })
}

/// The share of a quantile that was given as a number.
fn share(a: &Args) -> Result<Tensor> {
    let q = a.float(1);
    if !(0.0..=1.0).contains(&q) {
        return Err(Error::runtime(format!("quantile() q must be in the range [0, 1] but got {q}")));
    }
    let dtype = a.tensor(0).dtype();
    Tensor::scalar(q, if dtype.is_floating_point() { dtype } else { flambeau_tensor::get_default_dtype() })
}

fn quantiles(table: &mut Table<'_>) {
    macro_rules! forms {
        ($($name:literal, $ignore:literal;)*) => {$(
            table.both(
                concat!($name, "(Tensor input, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation=\"linear\", Tensor out=None)"),
                |a| quantile(a, a.tensor(1), $ignore),
            );
            table.both(
                concat!($name, "(Tensor input, float q, int? dim=None, bool keepdim=False, *, str interpolation=\"linear\", Tensor out=None)"),
                |a| quantile(a, &share(a)?, $ignore),
            );
        )*};
    }
    forms!("quantile", false; "nanquantile", true;);
}

fn differences(table: &mut Table<'_>) {
    table.both(
        "diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None, *, Tensor out=None)",
        |a| a.tensor(0).diff(a.int(1), a.dim(2), a.opt_tensor(3), a.opt_tensor(4)),
    );
    for schema in ["trapezoid(Tensor y, Tensor x, *, int dim=-1)", "trapz(Tensor y, Tensor x, *, int dim=-1)"] {
        table.function(schema, |a| a.tensor(0).trapezoid(a.tensor(1), a.dim(2)));
    }
    for schema in ["trapezoid(Tensor y, *, Scalar dx=1, int dim=-1)", "trapz(Tensor y, *, Scalar dx=1, int dim=-1)"] {
        table.function(schema, |a| a.tensor(0).trapezoid(a.scalar(1), a.dim(2)));
    }
    table.function("cumulative_trapezoid(Tensor y, Tensor x, *, int dim=-1)", |a| {
        a.tensor(0).cumulative_trapezoid(a.tensor(1), a.dim(2))
    });
    table.function("cumulative_trapezoid(Tensor y, *, Scalar dx=1, int dim=-1)", |a| {
        a.tensor(0).cumulative_trapezoid(a.scalar(1), a.dim(2))
    });
}

fn three(unique: Unique) -> (Tensor, Tensor, Tensor) {
    (unique.values, unique.inverse, unique.counts)
}

fn distinct(table: &mut Table<'_>) {
    table.function("_unique(Tensor input, bool sorted=True, bool return_inverse=False)", |a| {
        let unique = a.tensor(0).unique_old(UniqueOptions { inverse: a.bool(2), counts: false })?;
        Result::Ok((unique.values, unique.inverse))
    });
    table.function(
        "_unique2(Tensor input, bool sorted=True, bool return_inverse=False, bool return_counts=False)",
        |a| a.tensor(0).unique(UniqueOptions { inverse: a.bool(2), counts: a.bool(3) }).map(three),
    );
    table.function(
        "unique_consecutive(Tensor input, bool return_inverse=False, bool return_counts=False, int dim=None)",
        |a| {
            let options = UniqueOptions { inverse: a.bool(1), counts: a.bool(2) };
            a.tensor(0).unique_consecutive(options, a.opt_dim(3)).map(three)
        },
    );
    table.function(
        "unique_dim(Tensor input, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False)",
        |a| a.tensor(0).unique_dim(a.dim(1)).map(three),
    );
}

fn searched(a: &Args, values: Operand) -> Result<Tensor> {
    let options = SearchOptions {
        out_int32: a.bool(2),
        right: a.bool(3),
        side: a.opt_str(4).map(str::to_owned),
        sorter: a.opt_tensor(5).cloned(),
    };
    a.tensor(0).searchsorted(values, &options)
}

fn counting(table: &mut Table<'_>) {
    table.function(
        "searchsorted(Tensor sorted_sequence, Tensor input, *, bool out_int32=False, bool right=False, str side=None, Tensor sorter=None, Tensor out=None)",
        |a| searched(a, Operand::from(a.tensor(1))),
    );
    table.function(
        "searchsorted(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, bool right=False, str side=None, Tensor sorter=None, Tensor out=None)",
        |a| searched(a, Operand::Scalar(a.scalar(1))),
    );
    table.function(
        "bucketize(Tensor input, Tensor boundaries, *, bool out_int32=False, bool right=False, Tensor out=None)",
        |a| a.tensor(0).bucketize(a.tensor(1), a.bool(2), a.bool(3)),
    );
    table.function("bucketize(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False)", |a| {
        bucketize_scalar(a.scalar(0), a.tensor(1), a.bool(2), a.bool(3))
    });
    table.both("bincount(Tensor input, Tensor weights=None, int minlength=0)", |a| {
        a.tensor(0).bincount(a.opt_tensor(1), a.int(2))
    });
    table.both("histc(Tensor input, int bins=100, Scalar min=0, Scalar max=0, *, Tensor out=None)", |a| {
        a.tensor(0).histc(a.int(1), a.scalar(2), a.scalar(3))
    });
}
