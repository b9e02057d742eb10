//! The operators that Python sees, a file for each family.
//!
//! An entry is a schema (see [`crate::schema`]) and a closure that gets the converted arguments by
//! position:
//!
//! ```ignore
//! table.both("add(Tensor input, Operand other, *, Scalar alpha=1, Tensor out=None)", |a| {
//!     a.tensor(0).add_scaled(a.operand(1), a.scalar(2))
//! });
//! table.method("add_(Tensor input, Operand other, *, Scalar alpha=1)", |a| …);
//! table.nn("avg_pool2d(Tensor input, int[2] kernel_size, …)", |a| …);
//! table.returns("max", &["values", "indices"]);
//! ```
//!
//! * Another entry of the same name adds an overload; overloads are tried in order.
//! * `self` of a method is the schema's first parameter.
//! * `out` and `requires_grad` (keyword-only) are handled by the framework: the closure ignores
//!   them, and methods do not have `out`.
//! * `$options` stands for `ScalarType dtype=None, Layout layout=None, Device device=None, bool
//!   pin_memory=False, bool requires_grad=False`.
//! * The closure returns a tensor, tuple, list, number, string, nothing… or a `Result` of one.
//!   It runs without the interpreter's lock.

mod activation;
mod basic;
mod complex;
mod conv;
mod copy;
mod create;
mod dropout;
mod elementwise;
mod embedding;
mod image;
mod index;
mod join;
mod linalg;
mod loss;
mod norm;
mod order;
mod pool;
mod random;
mod reduce;
mod update;
mod view;

use crate::args::Args;
use crate::function::{Callable, Function, Method, Overload};
use crate::output::{IntoOutput, Output};
use crate::schema::{Param, Schema};
use flambeau_tensor::Result;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::collections::HashMap;
use std::sync::Arc;

/// An operator's closure, whatever it returns.
pub type Op = Arc<dyn Fn(&Args) -> Result<Output> + Send + Sync>;

/// Where an entry is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// `torch.NAME`.
    Function,
    /// `torch.Tensor.NAME`.
    Method,
    /// `torch._C.NAMESPACE.NAME`, such as `_nn`.
    Namespace(&'static str),
}

/// The operators, as the families fill it.
pub struct Table<'py> {
    py: Python<'py>,
    entries: HashMap<(Place, &'static str), Vec<Overload>>,
    returns: HashMap<&'static str, &'static [&'static str]>,
}

impl<'py> Table<'py> {
    fn add<R: IntoOutput + 'static>(&mut self, places: &[Place], schema: &'static str, op: fn(&Args) -> R) {
        let schema = Arc::new(Schema::parse(self.py, schema));
        let op: Op = Arc::new(move |args| op(args).into_output());
        for &place in places {
            let overload = Overload { schema: schema.clone(), op: op.clone(), annotation: R::annotation };
            self.entries.entry((place, schema.name)).or_default().push(overload);
        }
    }

    /// An operator in `torch`.
    pub fn function<R: IntoOutput + 'static>(&mut self, schema: &'static str, op: fn(&Args) -> R) {
        self.add(&[Place::Function], schema, op);
    }

    /// A method of `torch.Tensor`.
    pub fn method<R: IntoOutput + 'static>(&mut self, schema: &'static str, op: fn(&Args) -> R) {
        self.add(&[Place::Method], schema, op);
    }

    /// An operator in `torch` that is also a method of `torch.Tensor`.
    pub fn both<R: IntoOutput + 'static>(&mut self, schema: &'static str, op: fn(&Args) -> R) {
        self.add(&[Place::Function, Place::Method], schema, op);
    }

    /// An operator of `torch._C._nn`, which `torch.nn.functional` is made of.
    pub fn nn<R: IntoOutput + 'static>(&mut self, schema: &'static str, op: fn(&Args) -> R) {
        self.within("_nn", schema, op);
    }

    /// An operator of another namespace: `_linalg`, `_special`, `_fft`.
    pub fn within<R: IntoOutput + 'static>(
        &mut self,
        namespace: &'static str,
        schema: &'static str,
        op: fn(&Args) -> R,
    ) {
        self.add(&[Place::Namespace(namespace)], schema, op);
    }

    /// Another name for an operator that is already in the table, as a function and as a method,
    /// whichever it is.
    ///
    /// # Panics
    /// If there is no such operator.
    pub fn alias(&mut self, alias: &'static str, name: &'static str) {
        let mut found = false;
        for place in [Place::Function, Place::Method, Place::Namespace("_nn")] {
            if let Some(overloads) = self.entries.get(&(place, name)) {
                found = true;
                self.entries.insert((place, alias), overloads.clone());
            }
        }
        assert!(found, "alias of an unknown operator: {name}");
        if let Some(names) = self.returns.get(name) {
            self.returns.insert(alias, names);
        }
    }

    /// The names of the results of an operator that returns a named tuple.
    pub fn returns(&mut self, name: &'static str, fields: &'static [&'static str]) {
        self.returns.insert(name, fields);
    }

    fn callable(&self, name: &'static str, overloads: Vec<Overload>) -> PyResult<Callable> {
        let fields =
            self.returns.get(name).map(|fields| crate::output::named_tuple(self.py, name, fields)).transpose()?;
        Ok(Callable::new(name, overloads, fields))
    }
}

type Family = fn(&mut Table<'_>);

const FAMILIES: &[Family] = &[
    basic::register,
    elementwise::register,
    reduce::register,
    order::register,
    update::register,
    view::register,
    copy::register,
    create::register,
    index::register,
    join::register,
    linalg::register,
    complex::register,
    random::register,
    conv::register,
    pool::register,
    norm::register,
    activation::register,
    loss::register,
    image::register,
    embedding::register,
    dropout::register,
];

/// All families' operators.
fn filled(py: Python<'_>) -> Table<'_> {
    let mut table = Table { py, entries: HashMap::new(), returns: HashMap::new() };
    for family in FAMILIES {
        family(&mut table);
    }
    table
}

/// What the stub of the extension is made from: for each signature the place of its operator
/// (`torch`, `Tensor` or a namespace), its name, its parameters, the type of what it returns, and
/// the names of the items if that is a named tuple. Parameters are name, type, whether `None` is
/// allowed, whether they are keyword-only, and the default's text.
#[pyfunction]
pub fn _operator_signatures(py: Python<'_>) -> Vec<Signature> {
    let table = filled(py);
    let mut signatures = Vec::new();
    for ((place, name), overloads) in &table.entries {
        let (place, skip_out) = match place {
            Place::Function => ("torch", false),
            Place::Method => ("Tensor", true),
            Place::Namespace(namespace) => (*namespace, false),
        };
        let fields = table.returns.get(name).map(|fields| fields.to_vec());
        for overload in overloads {
            let schema = &overload.schema;
            let shown = |&(i, _): &(usize, &Param)| !(skip_out && schema.out == Some(i));
            let params = schema
                .params
                .iter()
                .enumerate()
                .filter(shown)
                .map(|(_, p)| (p.name, p.kind.annotation(), p.nullable, p.keyword_only, p.default_text));
            signatures.push((place, *name, params.collect(), (overload.annotation)(), fields.clone()));
        }
    }
    signatures
}

type Parameter = (&'static str, String, bool, bool, Option<&'static str>);
type Signature = (&'static str, &'static str, Vec<Parameter>, String, Option<Vec<&'static str>>);

/// Fills the module (functions, and the namespaces `_nn`, `_linalg`, …) and the tensor class
/// (methods).
///
/// # Errors
/// If Python objects cannot be made.
pub fn register(module: &Bound<'_, PyModule>, tensor: &Bound<'_, PyType>) -> PyResult<()> {
    let py = module.py();
    let mut table = filled(py);
    let mut namespaces: HashMap<&str, Bound<'_, PyModule>> = HashMap::new();
    for name in ["_nn", "_linalg", "_special", "_fft"] {
        let namespace = PyModule::new(py, name)?;
        module.setattr(name, &namespace)?;
        namespaces.insert(name, namespace);
    }
    let mut nested = Vec::new();
    for ((place, name), overloads) in std::mem::take(&mut table.entries) {
        let callable = table.callable(name, overloads)?;
        match place {
            Place::Function => {
                module.setattr(name, Py::new(py, Function::new(callable, "_VariableFunctionsClass"))?)?
            }
            Place::Method => tensor.setattr(name, Py::new(py, Method::new(callable))?)?,
            Place::Namespace(namespace) => match namespaces.get(namespace) {
                Some(namespace) => {
                    let function = Py::new(py, Function::new(callable, "module"))?;
                    namespace.setattr(name, &function)?;
                    nested.push((name, function));
                }
                None => unreachable!("unknown namespace {namespace}"),
            },
        }
    }
    // The package finds everything in one place; names in `torch` itself come first.
    for (name, function) in nested {
        if !module.hasattr(name)? {
            module.setattr(name, function)?;
        }
    }
    Ok(())
}
