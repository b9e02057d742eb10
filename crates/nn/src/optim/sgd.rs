//! Stochastic gradient descent with momentum.

use super::state::{StateValue, collect, distribute, entries};
use super::{Optimizer, OptimizerState, ParamGroup, check, check_params};
use flambeau_tensor::{Error, Result, Tensor, autograd::no_grad, backend};

/// Options of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    /// Learning rate.
    pub lr: f64,
    /// How much of the last update goes on.
    pub momentum: f64,
    /// How much of the gradient momentum leaves out.
    pub dampening: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Look ahead along the momentum.
    pub nesterov: bool,
    /// Climb instead of descend.
    pub maximize: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self { lr: 1e-3, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false }
    }
}

/// Stochastic gradient descent, optionally with (Nesterov's) momentum.
///
/// Source: I. Sutskever et al., "On the importance of initialization and momentum in deep
/// learning", 2013, in PyTorch's formulation.
#[derive(Debug)]
pub struct Sgd {
    groups: Vec<ParamGroup<SgdOptions>>,
    /// For each group, the momentum of each parameter that has had a gradient.
    momenta: Vec<Vec<Option<Tensor>>>,
}

/// Makes an [`Sgd`].
#[derive(Debug)]
pub struct SgdBuilder {
    groups: Vec<ParamGroup<SgdOptions>>,
    defaults: SgdOptions,
    first: Vec<Tensor>,
}

impl Sgd {
    /// Begins with parameters that share the builder's options.
    pub fn builder(params: Vec<Tensor>) -> SgdBuilder {
        SgdBuilder { groups: Vec::new(), defaults: SgdOptions::default(), first: params }
    }

    /// The groups.
    pub fn groups(&self) -> &[ParamGroup<SgdOptions>] {
        &self.groups
    }
}

impl SgdBuilder {
    /// Learning rate (0.001 by default).
    #[must_use]
    pub fn lr(mut self, lr: f64) -> Self {
        self.defaults.lr = lr;
        self
    }

    /// How much of the last update goes on (0 by default).
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.defaults.momentum = momentum;
        self
    }

    /// How much of the gradient momentum leaves out (0 by default).
    #[must_use]
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.defaults.dampening = dampening;
        self
    }

    /// L2 penalty (0 by default).
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.defaults.weight_decay = weight_decay;
        self
    }

    /// Look ahead along the momentum.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.defaults.nesterov = nesterov;
        self
    }

    /// Climb instead of descend.
    #[must_use]
    pub fn maximize(mut self, maximize: bool) -> Self {
        self.defaults.maximize = maximize;
        self
    }

    /// Adds parameters with options of their own.
    #[must_use]
    pub fn group(mut self, params: Vec<Tensor>, options: SgdOptions) -> Self {
        self.groups.push(ParamGroup { params, options });
        self
    }

    /// Makes the optimiser.
    ///
    /// # Errors
    /// If there are no parameters, one appears twice or is no leaf, or an option is out of range.
    pub fn build(mut self) -> Result<Sgd> {
        if !self.first.is_empty() || self.groups.is_empty() {
            self.groups.insert(0, ParamGroup { params: self.first, options: self.defaults });
        }
        check_params(self.groups.iter().flat_map(|g| &g.params))?;
        for ParamGroup { options: o, .. } in &self.groups {
            check("learning rate", o.lr, o.lr >= 0.0)?;
            check("momentum value", o.momentum, o.momentum >= 0.0)?;
            check("weight_decay value", o.weight_decay, o.weight_decay >= 0.0)?;
            if o.nesterov && (o.momentum <= 0.0 || o.dampening != 0.0) {
                return Err(Error::value("Nesterov momentum requires a momentum and zero dampening"));
            }
        }
        let momenta = self.groups.iter().map(|g| vec![None; g.params.len()]).collect();
        Ok(Sgd { groups: self.groups, momenta })
    }
}

impl Optimizer for Sgd {
    fn step(&mut self) -> Result<()> {
        no_grad(|| {
            for (group, momenta) in self.groups.iter().zip(&mut self.momenta) {
                for (parameter, momentum) in group.params.iter().zip(momenta) {
                    if let Some(grad) = parameter.grad() {
                        update(parameter, grad, momentum, &group.options)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn params(&self) -> Vec<Tensor> {
        self.groups.iter().flat_map(|g| g.params.iter().cloned()).collect()
    }

    fn learning_rates(&self) -> Vec<f64> {
        self.groups.iter().map(|g| g.options.lr).collect()
    }

    fn set_group_learning_rate(&mut self, group: usize, lr: f64) {
        self.groups[group].options.lr = lr;
    }

    fn state_dict(&self) -> Result<OptimizerState> {
        let options = |o: &SgdOptions| {
            entries([
                ("lr", StateValue::Float(o.lr)),
                ("momentum", StateValue::Float(o.momentum)),
                ("dampening", StateValue::Float(o.dampening)),
                ("weight_decay", StateValue::Float(o.weight_decay)),
                ("nesterov", StateValue::Bool(o.nesterov)),
                ("maximize", StateValue::Bool(o.maximize)),
                ("foreach", StateValue::None),
                ("differentiable", StateValue::Bool(false)),
                ("fused", StateValue::None),
            ])
        };
        let state = |momentum: &Tensor| Ok(entries([("momentum_buffer", StateValue::Tensor(momentum.clone()))]));
        collect(&self.groups, &self.momenta, options, state)
    }

    fn load_state_dict(&mut self, saved: &OptimizerState) -> Result<()> {
        let options = |old: &SgdOptions, group: &super::GroupState| SgdOptions {
            lr: group.number("lr", old.lr),
            momentum: group.number("momentum", old.momentum),
            dampening: group.number("dampening", old.dampening),
            weight_decay: group.number("weight_decay", old.weight_decay),
            nesterov: group.flag("nesterov", old.nesterov),
            maximize: group.flag("maximize", old.maximize),
        };
        let state = |parameter: &Tensor, saved: &super::state::Saved<'_>| saved.tensor("momentum_buffer", parameter);
        let loaded = distribute(saved, &self.groups, options, state)?;
        for ((group, momenta), (options, states)) in self.groups.iter_mut().zip(&mut self.momenta).zip(loaded) {
            group.options = options;
            *momenta = states;
        }
        Ok(())
    }
}

fn update(parameter: &Tensor, grad: Tensor, momentum: &mut Option<Tensor>, o: &SgdOptions) -> Result<()> {
    if momentum.is_some() || o.momentum == 0.0 {
        let options = backend::Sgd {
            lr: o.lr,
            momentum: o.momentum,
            dampening: o.dampening,
            weight_decay: o.weight_decay,
            nesterov: o.nesterov,
            maximize: o.maximize,
        };
        let buffer = momentum.as_ref().filter(|_| o.momentum != 0.0);
        if parameter.sgd_step_(&grad, buffer, &options)? {
            return Ok(());
        }
    }
    let mut direction = if o.maximize { grad.neg()? } else { grad };
    if o.weight_decay != 0.0 {
        direction = direction.add_alpha(parameter, o.weight_decay)?;
    }
    if o.momentum != 0.0 {
        let buffer = match momentum {
            Some(buffer) => {
                buffer.mul_(o.momentum)?.add_alpha_(&direction, 1.0 - o.dampening)?;
                buffer
            }
            None => momentum.insert(direction.copy()?),
        };
        direction = if o.nesterov { direction.add_alpha(&*buffer, o.momentum)? } else { buffer.clone() };
    }
    parameter.add_alpha_(&direction, -o.lr)?;
    Ok(())
}
