//! The module: a tree of parameters, buffers and modules with names.

use crate::{IncompatibleKeys, StateDict, Training};
use flambeau_tensor::{DType, Result, Tensor};

/// A name in a tree of modules: `layer1.0.conv1.weight`.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    /// The module itself.
    pub const ROOT: Path<'static> = Path { parent: None, name: "" };

    /// A part of this module.
    pub fn child(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), name }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(parent) = self.parent.filter(|p| p.parent.is_some()) {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)
    }
}

/// Sees every part of a module. All methods do nothing unless overridden.
pub trait Visitor {
    /// A learned tensor.
    fn parameter(&mut self, _path: &Path<'_>, _parameter: &Tensor) {}
    /// A tensor of the state that is not learned.
    fn buffer(&mut self, _path: &Path<'_>, _buffer: &Tensor) {}
    /// A module's training flag.
    fn training(&mut self, _path: &Path<'_>, _training: &Training) {}
}

/// A part of a network with parameters and state. Derived for structs by `#[derive(Module)]`.
pub trait Module {
    /// Shows every parameter, buffer and training flag to a visitor, in the order of declaration.
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor);

    /// The learned tensors with their names.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        let mut collected = Collect { parameters: true, buffers: false, tensors: Vec::new() };
        self.visit(&Path::ROOT, &mut collected);
        collected.tensors
    }

    /// The learned tensors, for an optimiser. A parameter that is shared appears once.
    fn parameters(&self) -> Vec<Tensor> {
        let mut parameters: Vec<Tensor> = Vec::new();
        for (_, tensor) in self.named_parameters() {
            if !parameters.iter().any(|p| p.same(&tensor)) {
                parameters.push(tensor);
            }
        }
        parameters
    }

    /// The buffers with their names.
    fn named_buffers(&self) -> Vec<(String, Tensor)> {
        let mut collected = Collect { parameters: false, buffers: true, tensors: Vec::new() };
        self.visit(&Path::ROOT, &mut collected);
        collected.tensors
    }

    /// How many numbers are learned.
    fn num_parameters(&self) -> usize {
        self.parameters().iter().map(Tensor::numel).sum()
    }

    /// Parameters and buffers by name. The tensors are the module's own, not copies.
    fn state_dict(&self) -> StateDict {
        let mut collected = Collect { parameters: true, buffers: true, tensors: Vec::new() };
        self.visit(&Path::ROOT, &mut collected);
        collected.tensors.into_iter().collect()
    }

    /// Copies a state dict's numbers into this module's parameters and buffers.
    ///
    /// # Errors
    /// PyTorch's message, naming the missing and unexpected keys and the sizes that differ; then
    /// whatever fitted has been copied, as in PyTorch.
    fn load_state_dict(&self, state: &StateDict) -> Result<()> {
        crate::state_dict::load(&self.state_dict(), state, std::any::type_name::<Self>(), true).map(drop)
    }

    /// As [`Module::load_state_dict`], but keys that are missing or unexpected are returned instead
    /// of being an error.
    ///
    /// # Errors
    /// If the sizes of a tensor differ.
    fn load_state_dict_partially(&self, state: &StateDict) -> Result<IncompatibleKeys> {
        crate::state_dict::load(&self.state_dict(), state, std::any::type_name::<Self>(), false)
    }

    /// Sets training mode, for this module and all in it.
    fn train(&self, training: bool) {
        struct Set(bool);
        impl Visitor for Set {
            fn training(&mut self, _: &Path<'_>, training: &Training) {
                training.set(self.0);
            }
        }
        self.visit(&Path::ROOT, &mut Set(training));
    }

    /// Sets evaluation mode: no dropout, running statistics instead of the batch's.
    fn eval(&self) {
        self.train(false);
    }

    /// Forgets all gradients.
    fn zero_grad(&self) {
        for parameter in self.parameters() {
            parameter.clear_grad();
        }
    }

    /// Converts floating-point parameters and buffers to another floating-point dtype, in place.
    ///
    /// # Errors
    /// If the dtype is not a floating-point type.
    fn to_dtype(&self, dtype: DType) -> Result<()> {
        if !dtype.is_floating_point() {
            return Err(flambeau_tensor::Error::type_(format!(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.{dtype}"
            )));
        }
        for tensor in self.state_dict().tensors() {
            if tensor.dtype().is_floating_point() {
                let converted = flambeau_tensor::autograd::no_grad(|| tensor.to_dtype(dtype))?;
                tensor.set_data(&converted)?;
            }
        }
        Ok(())
    }
}

struct Collect {
    parameters: bool,
    buffers: bool,
    tensors: Vec<(String, Tensor)>,
}

impl Visitor for Collect {
    fn parameter(&mut self, path: &Path<'_>, parameter: &Tensor) {
        if self.parameters {
            self.tensors.push((path.to_string(), parameter.clone()));
        }
    }

    fn buffer(&mut self, path: &Path<'_>, buffer: &Tensor) {
        if self.buffers {
            self.tensors.push((path.to_string(), buffer.clone()));
        }
    }
}

/// A computation from one tensor to another.
pub trait Forward {
    /// Computes the output.
    ///
    /// # Errors
    /// Whatever the computation gives, such as a shape that does not fit.
    fn forward(&self, input: &Tensor) -> Result<Tensor>;
}

/// A module that maps one tensor to another: what [`crate::modules::Sequential`] is made of.
pub trait Layer: Module + Forward + Send + Sync {}
impl<T: Module + Forward + Send + Sync> Layer for T {}

impl<M: Module> Module for Option<M> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        if let Some(module) = self {
            module.visit(path, visitor);
        }
    }
}

impl<M: Module + ?Sized> Module for &M {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        (**self).visit(path, visitor);
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        (**self).visit(path, visitor);
    }
}

impl<M: Module + ?Sized> Module for std::sync::Arc<M> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        (**self).visit(path, visitor);
    }
}

/// PyTorch's `ModuleList`: parts are named by their position.
impl<M: Module> Module for Vec<M> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        for (position, module) in self.iter().enumerate() {
            module.visit(&path.child(&position.to_string()), visitor);
        }
    }
}

/// PyTorch's `ModuleDict`, sorted by name.
impl<M: Module> Module for std::collections::BTreeMap<String, M> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        for (name, module) in self {
            module.visit(&path.child(name), visitor);
        }
    }
}

impl<F: Forward + ?Sized> Forward for &F {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        (**self).forward(input)
    }
}

impl<F: Forward + ?Sized> Forward for Box<F> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        (**self).forward(input)
    }
}
