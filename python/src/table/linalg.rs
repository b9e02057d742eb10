//! The Python operators of the family `linalg`.

use super::Table;
use flambeau_tensor::Error;
use flambeau_tensor::ops::{self, MatrixNorm};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    products(table);
    sums(table);
    matrices(table);
    contractions(table);
    distances(table);
    decompositions(table);
    in_place(table);
}

fn products(table: &mut Table<'_>) {
    table.both("matmul(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).matmul(a.tensor(1)));
    table.method("__matmul__(Tensor input, Tensor other)", |a| a.tensor(0).matmul(a.tensor(1)));
    table.both("mm(Tensor input, Tensor mat2, *, Tensor out=None)", |a| a.tensor(0).mm(a.tensor(1)));
    table.both("bmm(Tensor input, Tensor mat2, *, Tensor out=None)", |a| a.tensor(0).bmm(a.tensor(1)));
    table.both("mv(Tensor input, Tensor vec, *, Tensor out=None)", |a| a.tensor(0).mv(a.tensor(1)));
    table.both("dot(Tensor input, Tensor tensor, *, Tensor out=None)", |a| a.tensor(0).dot(a.tensor(1)));
    table.both("vdot(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).dot(a.tensor(1)));
    table.both("inner(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).inner(a.tensor(1)));
    table.both("outer(Tensor input, Tensor vec2, *, Tensor out=None)", |a| a.tensor(0).outer(a.tensor(1)));
    table.both("ger(Tensor input, Tensor vec2, *, Tensor out=None)", |a| a.tensor(0).outer(a.tensor(1)));
    table.nn("linear(Tensor input, Tensor weight, Tensor? bias=None)", |a| {
        ops::linear(a.tensor(0), a.tensor(1), a.opt_tensor(2))
    });
    table.function("bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None)", |a| {
        ops::bilinear(a.tensor(0), a.tensor(1), a.tensor(2), a.opt_tensor(3))
    });
}

fn sums(table: &mut Table<'_>) {
    table.both(
        "addmm(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1, Tensor out=None)",
        |a| a.tensor(0).addmm(a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4)),
    );
    table.both("addmv(Tensor input, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1, Tensor out=None)", |a| {
        a.tensor(0).addmv(a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4))
    });
    table
        .both("addr(Tensor input, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1, Tensor out=None)", |a| {
            a.tensor(0).addr(a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4))
        });
    table.both(
        "baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1, Tensor out=None)",
        |a| a.tensor(0).baddbmm(a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4)),
    );
    table.both(
        "addbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1, Tensor out=None)",
        |a| a.tensor(0).addbmm(a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4)),
    );
}

fn matrices(table: &mut Table<'_>) {
    table.both("trace(Tensor input)", |a| a.tensor(0).trace());
    table.both("kron(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).kron(a.tensor(1)));
    table.both("cross(Tensor input, Tensor other, int? dim=None, *, Tensor out=None)", |a| {
        // Without a dimension, the first of size 3.
        let dim = match a.opt_dim(2) {
            Some(dim) => dim,
            None => match a.tensor(0).shape().iter().position(|&size| size == 3) {
                Some(dim) => dim as isize,
                None => return Err(Error::runtime("no dimension of size 3 in input")),
            },
        };
        a.tensor(0).cross(a.tensor(1), dim)
    });
    table.within("_linalg", "linalg_cross(Tensor input, Tensor other, *, int dim=-1, Tensor out=None)", |a| {
        a.tensor(0).cross(a.tensor(1), a.dim(2))
    });
    table.both("matrix_power(Tensor input, int n, *, Tensor out=None)", |a| a.tensor(0).matrix_power(a.int(1)));
    table.function("chain_matmul(Tensor[] matrices, *, Tensor out=None)", |a| ops::chain_matmul(&a.tensor_refs(0)));
    table.function("cdist(Tensor x1, Tensor x2, float p=2, int? compute_mode=None)", |a| {
        a.tensor(0).cdist_p(a.tensor(1), a.float(2))
    });
}

fn distances(table: &mut Table<'_>) {
    table.function("pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-06, bool keepdim=False)", |a| {
        a.tensor(0).pairwise_distance(a.tensor(1), a.float(2), a.float(3), a.bool(4))
    });
    table.function("cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08)", |a| {
        a.tensor(0).cosine_similarity(a.tensor(1), a.dim(2), a.float(3))
    });
    table.function("pdist(Tensor input, float p=2)", |a| a.tensor(0).pdist(a.float(1)));
    table.both("renorm(Tensor input, Scalar p, int dim, Scalar maxnorm, *, Tensor out=None)", |a| {
        a.tensor(0).renorm(a.scalar(1).to_f64(), a.dim(2), a.scalar(3).to_f64())
    });
    table.method("renorm_(Tensor input, Scalar p, int dim, Scalar maxnorm)", |a| {
        a.tensor(0).renorm_(a.scalar(1).to_f64(), a.dim(2), a.scalar(3).to_f64())
    });
}

fn decompositions(table: &mut Table<'_>) {
    table.within(
        "_linalg",
        "linalg_matrix_norm(Tensor A, Scalar ord, int[] dim=(-2, -1), bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)",
        |a| a.tensor(0).matrix_norm(MatrixNorm::Order(a.scalar(1).to_f64()), &a.dims(2), a.bool(3), a.dtype(4)),
    );
    table.within(
        "_linalg",
        "linalg_matrix_norm(Tensor A, str ord=\"fro\", int[] dim=(-2, -1), bool keepdim=False, *, ScalarType dtype=None, Tensor out=None)",
        |a| a.tensor(0).matrix_norm(a.str(1).parse()?, &a.dims(2), a.bool(3), a.dtype(4)),
    );
    table.within("_linalg", "linalg_qr(Tensor A, str mode=\"reduced\", *, Tensor[] out=None)", |a| {
        a.tensor(0).qr(a.str(1).parse()?)
    });
    table.returns("linalg_qr", &["Q", "R"]);
}

fn in_place(table: &mut Table<'_>) {
    macro_rules! sums {
        ($($name:ident($first:literal, $second:literal)),*) => {$(
            table.method(
                concat!(
                    stringify!($name), "(Tensor input, Tensor ", $first, ", Tensor ", $second,
                    ", *, Scalar beta=1, Scalar alpha=1)"
                ),
                |a| a.tensor(0).$name(a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4)),
            );
        )*};
    }
    sums!(
        addmm_("mat1", "mat2"),
        addmv_("mat", "vec"),
        addr_("vec1", "vec2"),
        baddbmm_("batch1", "batch2"),
        addbmm_("batch1", "batch2")
    );
}

fn contractions(table: &mut Table<'_>) {
    table.function("einsum(str equation, Tensor[] tensors, *, int[]? path=None)", |a| {
        ops::einsum(a.str(0), &a.tensor_refs(1))
    });
    table.function(
        "tensordot(Tensor input, Tensor other, int[] dims_self, int[] dims_other, *, Tensor out=None)",
        |a| ops::tensordot(a.tensor(0), a.tensor(1), &a.dims(2), &a.dims(3)),
    );
}
