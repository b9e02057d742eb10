//! The Python operators of the family `random`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::TensorOptions;
use flambeau_tensor::{Generator, Result, Tensor, default_generator, ops};

fn generator(a: &Args, i: usize) -> Generator {
    a.generator(i).cloned().unwrap_or_else(default_generator)
}

fn options(a: &Args, dtype: usize, format: Option<usize>) -> TensorOptions {
    TensorOptions { dtype: a.dtype(dtype), memory_format: format.and_then(|i| a.format(i)), requires_grad: false }
}

fn length(n: i64) -> Result<usize> {
    usize::try_from(n).map_err(|_| {
        flambeau_tensor::Error::runtime(format!("Trying to create tensor with negative dimension {n}: [{n}]"))
    })
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    factories(table);
    like(table);
    samples(table);
    in_place(table);
}

fn factories(table: &mut Table<'_>) {
    table.function("rand(int[] size, *, Generator generator=None, Tensor out=None, $options)", |a| {
        generator(a, 1).rand(a.sizes(0)?, options(a, 3, None))
    });
    table.function("randn(int[] size, *, Generator generator=None, Tensor out=None, $options)", |a| {
        generator(a, 1).randn(a.sizes(0)?, options(a, 3, None))
    });
    table.function("randint(int high, int[] size, *, Generator generator=None, Tensor out=None, $options)", |a| {
        generator(a, 2).randint(0, a.int(0), a.sizes(1)?, options(a, 4, None))
    });
    table.function(
        "randint(int low, int high, int[] size, *, Generator generator=None, Tensor out=None, $options)",
        |a| generator(a, 3).randint(a.int(0), a.int(1), a.sizes(2)?, options(a, 5, None)),
    );
    table.function("randperm(int n, *, Generator generator=None, Tensor out=None, $options)", |a| {
        generator(a, 1).randperm(length(a.int(0))?, options(a, 3, None))
    });
}

fn like(table: &mut Table<'_>) {
    table.function(
        "rand_like(Tensor input, *, Generator generator=None, MemoryFormat memory_format=None, $options)",
        |a| a.tensor(0).rand_like(options(a, 3, Some(2)), a.generator(1)),
    );
    table.function(
        "randn_like(Tensor input, *, Generator generator=None, MemoryFormat memory_format=None, $options)",
        |a| a.tensor(0).randn_like(options(a, 3, Some(2)), a.generator(1)),
    );
    table.function(
        "randint_like(Tensor input, int high, *, Generator generator=None, MemoryFormat memory_format=None, $options)",
        |a| a.tensor(0).randint_like(0, a.int(1), options(a, 4, Some(3)), a.generator(2)),
    );
    table.function(
        "randint_like(Tensor input, int low, int high, *, Generator generator=None, MemoryFormat memory_format=None, $options)",
        |a| a.tensor(0).randint_like(a.int(1), a.int(2), options(a, 5, Some(4)), a.generator(3)),
    );
}

fn samples(table: &mut Table<'_>) {
    table.both("bernoulli(Tensor input, *, Generator generator=None, Tensor out=None)", |a| {
        a.tensor(0).bernoulli(a.generator(1))
    });
    table.both("bernoulli(Tensor input, float p, *, Generator generator=None)", |a| {
        a.tensor(0).bernoulli_p(a.float(1), a.generator(2))
    });
    table.function("poisson(Tensor input, Generator generator=None)", |a| a.tensor(0).poisson(a.generator(1)));
    table.both(
        "multinomial(Tensor input, int num_samples, bool replacement=False, *, Generator generator=None, Tensor out=None)",
        |a| a.tensor(0).multinomial(usize::try_from(a.int(1)).unwrap_or(0), a.bool(2), a.generator(3)),
    );
    table.function("normal(Tensor mean, Tensor std, *, Generator generator=None, Tensor out=None)", |a| {
        ops::normal(a.tensor(0), a.tensor(1), a.generator(2))
    });
    table.function("normal(Tensor mean, float std=1, *, Generator generator=None, Tensor out=None)", |a| {
        ops::normal(a.tensor(0), a.float(1), a.generator(2))
    });
    table.function("normal(float mean, Tensor std, *, Generator generator=None, Tensor out=None)", |a| {
        ops::normal(a.float(0), a.tensor(1), a.generator(2))
    });
    table.function(
        "normal(float mean, float std, int[] size, *, Generator generator=None, Tensor out=None, $options)",
        |a| {
            let dtype = a.dtype(5).unwrap_or_else(flambeau_tensor::get_default_dtype);
            Tensor::empty(a.sizes(2)?, dtype)?.normal_(a.float(0), a.float(1), a.generator(3))
        },
    );
}

fn in_place(table: &mut Table<'_>) {
    table.method("uniform_(Tensor input, float from=0, float to=1, *, Generator generator=None)", |a| {
        a.tensor(0).uniform_(a.float(1), a.float(2), a.generator(3))
    });
    table.method("normal_(Tensor input, float mean=0, float std=1, *, Generator generator=None)", |a| {
        a.tensor(0).normal_(a.float(1), a.float(2), a.generator(3))
    });
    table.method("bernoulli_(Tensor input, Tensor p, *, Generator generator=None)", |a| {
        a.tensor(0).bernoulli_tensor_(a.tensor(1), a.generator(2))
    });
    table.method("bernoulli_(Tensor input, float p=0.5, *, Generator generator=None)", |a| {
        a.tensor(0).bernoulli_(a.float(1), a.generator(2))
    });
    table.method("random_(Tensor input, *, Generator generator=None)", |a| {
        a.tensor(0).random_(None, None, a.generator(1))
    });
    table.method("random_(Tensor input, int to, *, Generator generator=None)", |a| {
        a.tensor(0).random_(Some(0), Some(a.int(1)), a.generator(2))
    });
    table.method("random_(Tensor input, int from, int? to, *, Generator generator=None)", |a| {
        a.tensor(0).random_(Some(a.int(1)), a.opt_int(2), a.generator(3))
    });
    table.method("exponential_(Tensor input, float lambd=1, *, Generator generator=None)", |a| {
        a.tensor(0).exponential_(a.float(1), a.generator(2))
    });
    table.method("cauchy_(Tensor input, float median=0, float sigma=1, *, Generator generator=None)", |a| {
        a.tensor(0).cauchy_(a.float(1), a.float(2), a.generator(3))
    });
    table.method("geometric_(Tensor input, float p, *, Generator generator=None)", |a| {
        a.tensor(0).geometric_(a.float(1), a.generator(2))
    });
    table.method("log_normal_(Tensor input, float mean=1, float std=2, *, Generator generator=None)", |a| {
        a.tensor(0).log_normal_(a.float(1), a.float(2), a.generator(3))
    });
}
