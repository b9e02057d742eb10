//! Adam and AdamW.

use super::state::{Entries, Saved, StateValue, collect, distribute, entries};
use super::{GroupState, Optimizer, OptimizerState, ParamGroup, check, check_params};
use flambeau_tensor::{DType, Result, Tensor, autograd::no_grad, backend};

/// Options of [`Adam`] and [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// Learning rate.
    pub lr: f64,
    /// How much of the running means of the gradient and of its square is kept.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// For Adam an L2 penalty; for AdamW the share of a parameter that each step takes away,
    /// times the learning rate.
    pub weight_decay: f64,
    /// Divide by the largest mean square so far.
    pub amsgrad: bool,
    /// Climb instead of descend.
    pub maximize: bool,
}

/// PyTorch's defaults of Adam.
impl Default for AdamOptions {
    fn default() -> Self {
        Self { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, amsgrad: false, maximize: false }
    }
}

#[derive(Debug)]
struct State {
    step: i32,
    mean: Tensor,
    mean_square: Tensor,
    largest_mean_square: Option<Tensor>,
}

/// The two kinds of weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Decay {
    /// Part of the gradient.
    L2,
    /// Taken from the parameter.
    Decoupled,
}

#[derive(Debug)]
struct Engine {
    groups: Vec<ParamGroup<AdamOptions>>,
    states: Vec<Vec<Option<State>>>,
    decay: Decay,
}

#[derive(Debug)]
struct EngineBuilder {
    groups: Vec<ParamGroup<AdamOptions>>,
    defaults: AdamOptions,
    first: Vec<Tensor>,
}

impl EngineBuilder {
    fn build(mut self, decay: Decay) -> Result<Engine> {
        if !self.first.is_empty() || self.groups.is_empty() {
            self.groups.insert(0, ParamGroup { params: self.first, options: self.defaults });
        }
        check_params(self.groups.iter().flat_map(|g| &g.params))?;
        for ParamGroup { options: o, .. } in &self.groups {
            check("learning rate", o.lr, o.lr >= 0.0)?;
            check("epsilon value", o.eps, o.eps >= 0.0)?;
            check("beta parameter at index 0", o.betas.0, (0.0..1.0).contains(&o.betas.0))?;
            check("beta parameter at index 1", o.betas.1, (0.0..1.0).contains(&o.betas.1))?;
            check("weight_decay value", o.weight_decay, o.weight_decay >= 0.0)?;
        }
        let states = self.groups.iter().map(|g| g.params.iter().map(|_| None).collect()).collect();
        Ok(Engine { groups: self.groups, states, decay })
    }
}

impl Engine {
    fn step(&mut self) -> Result<()> {
        no_grad(|| {
            for (group, states) in self.groups.iter().zip(&mut self.states) {
                for (parameter, state) in group.params.iter().zip(states) {
                    if let Some(grad) = parameter.grad() {
                        update(parameter, grad, state, &group.options, self.decay)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn state_dict(&self) -> Result<OptimizerState> {
        let options = |o: &AdamOptions| {
            entries([
                ("lr", StateValue::Float(o.lr)),
                ("betas", StateValue::Pair(o.betas.0, o.betas.1)),
                ("eps", StateValue::Float(o.eps)),
                ("weight_decay", StateValue::Float(o.weight_decay)),
                ("amsgrad", StateValue::Bool(o.amsgrad)),
                ("maximize", StateValue::Bool(o.maximize)),
                ("foreach", StateValue::None),
                ("capturable", StateValue::Bool(false)),
                ("differentiable", StateValue::Bool(false)),
                ("fused", StateValue::None),
                ("decoupled_weight_decay", StateValue::Bool(matches!(self.decay, Decay::Decoupled))),
            ])
        };
        collect(&self.groups, &self.states, options, State::entries)
    }

    fn load_state_dict(&mut self, saved: &OptimizerState) -> Result<()> {
        let options = |old: &AdamOptions, group: &GroupState| AdamOptions {
            lr: group.number("lr", old.lr),
            betas: group.pair("betas", old.betas),
            eps: group.number("eps", old.eps),
            weight_decay: group.number("weight_decay", old.weight_decay),
            amsgrad: group.flag("amsgrad", old.amsgrad),
            maximize: group.flag("maximize", old.maximize),
        };
        let loaded = distribute(saved, &self.groups, options, State::load)?;
        for ((group, states), (options, new)) in self.groups.iter_mut().zip(&mut self.states).zip(loaded) {
            group.options = options;
            *states = new;
        }
        Ok(())
    }
}

impl State {
    fn entries(&self) -> Result<Entries> {
        // PyTorch counts in a float32 tensor.
        let step = Tensor::full([], f64::from(self.step), DType::F32)?;
        let mut entries = entries([
            ("step", StateValue::Tensor(step)),
            ("exp_avg", StateValue::Tensor(self.mean.clone())),
            ("exp_avg_sq", StateValue::Tensor(self.mean_square.clone())),
        ]);
        if let Some(largest) = &self.largest_mean_square {
            entries.push(("max_exp_avg_sq".to_owned(), StateValue::Tensor(largest.clone())));
        }
        Ok(entries)
    }

    fn load(parameter: &Tensor, saved: &Saved<'_>) -> Result<Option<Self>> {
        Ok(Some(Self {
            step: saved.number("step")? as i32,
            mean: saved.needed("exp_avg", parameter)?,
            mean_square: saved.needed("exp_avg_sq", parameter)?,
            largest_mean_square: saved.tensor("max_exp_avg_sq", parameter)?,
        }))
    }
}

fn update(parameter: &Tensor, grad: Tensor, state: &mut Option<State>, o: &AdamOptions, decay: Decay) -> Result<()> {
    let state = match state {
        Some(state) => state,
        None => state.insert(State {
            step: 0,
            mean: parameter.zeros_like(parameter.dtype())?,
            mean_square: parameter.zeros_like(parameter.dtype())?,
            largest_mean_square: o.amsgrad.then(|| parameter.zeros_like(parameter.dtype())).transpose()?,
        }),
    };
    state.step += 1;
    let options = backend::Adam {
        lr: o.lr,
        betas: o.betas.into(),
        eps: o.eps,
        weight_decay: o.weight_decay,
        decoupled: matches!(decay, Decay::Decoupled),
        maximize: o.maximize,
        step: f64::from(state.step),
    };
    if state.largest_mean_square.is_none()
        && parameter.adam_step_(&grad, [&state.mean, &state.mean_square], &options)?
    {
        return Ok(());
    }
    let mut grad = if o.maximize { grad.neg()? } else { grad };
    if o.weight_decay != 0.0 {
        match decay {
            Decay::L2 => grad = grad.add_alpha(parameter, o.weight_decay)?,
            Decay::Decoupled => drop(parameter.mul_(1.0 - o.lr * o.weight_decay)?),
        }
    }
    let (beta1, beta2) = o.betas;
    state.mean.lerp_(&grad, 1.0 - beta1)?;
    state.mean_square.mul_(beta2)?.addcmul_(&grad, &grad, 1.0 - beta2)?;
    let step_size = o.lr / (1.0 - beta1.powi(state.step));
    let correction = (1.0 - beta2.powi(state.step)).sqrt();
    let square = match &mut state.largest_mean_square {
        Some(largest) => {
            *largest = largest.maximum(&state.mean_square)?;
            &*largest
        }
        None => &state.mean_square,
    };
    let denominator = square.sqrt()?.div_(correction)?.add_(o.eps)?;
    parameter.addcdiv_(&state.mean, &denominator, -step_size)?;
    Ok(())
}

macro_rules! optimizer {
    ($(#[$doc:meta])* $name:ident, $builder:ident, $decay:expr, weight decay $default_decay:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Engine);

        #[doc = concat!("Makes an [`", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $builder(EngineBuilder);

        impl $name {
            /// Begins with parameters that share the builder's options.
            pub fn builder(params: Vec<Tensor>) -> $builder {
                let defaults = AdamOptions { weight_decay: $default_decay, ..AdamOptions::default() };
                $builder(EngineBuilder { groups: Vec::new(), defaults, first: params })
            }

            /// The groups.
            pub fn groups(&self) -> &[ParamGroup<AdamOptions>] {
                &self.0.groups
            }
        }

        impl $builder {
            /// Learning rate (0.001 by default).
            #[must_use]
            pub fn lr(mut self, lr: f64) -> Self {
                self.0.defaults.lr = lr;
                self
            }

            /// How much of the running means is kept ((0.9, 0.999) by default).
            #[must_use]
            pub fn betas(mut self, betas: (f64, f64)) -> Self {
                self.0.defaults.betas = betas;
                self
            }

            /// Added to the denominator (1e-8 by default).
            #[must_use]
            pub fn eps(mut self, eps: f64) -> Self {
                self.0.defaults.eps = eps;
                self
            }

            #[doc = concat!("Weight decay (", stringify!($default_decay), " by default).")]
            #[must_use]
            pub fn weight_decay(mut self, weight_decay: f64) -> Self {
                self.0.defaults.weight_decay = weight_decay;
                self
            }

            /// Divide by the largest mean square so far.
            #[must_use]
            pub fn amsgrad(mut self, amsgrad: bool) -> Self {
                self.0.defaults.amsgrad = amsgrad;
                self
            }

            /// Climb instead of descend.
            #[must_use]
            pub fn maximize(mut self, maximize: bool) -> Self {
                self.0.defaults.maximize = maximize;
                self
            }

            /// Adds parameters with options of their own.
            #[must_use]
            pub fn group(mut self, params: Vec<Tensor>, options: AdamOptions) -> Self {
                self.0.groups.push(ParamGroup { params, options });
                self
            }

            /// Makes the optimiser.
            ///
            /// # Errors
            /// If there are no parameters, one appears twice or is no leaf, or an option is out of
            /// range.
            pub fn build(self) -> Result<$name> {
                self.0.build($decay).map($name)
            }
        }

        impl Optimizer for $name {
            fn step(&mut self) -> Result<()> {
                self.0.step()
            }

            fn params(&self) -> Vec<Tensor> {
                self.0.groups.iter().flat_map(|g| g.params.iter().cloned()).collect()
            }

            fn learning_rates(&self) -> Vec<f64> {
                self.0.groups.iter().map(|g| g.options.lr).collect()
            }

            fn set_group_learning_rate(&mut self, group: usize, lr: f64) {
                self.0.groups[group].options.lr = lr;
            }

            fn state_dict(&self) -> Result<OptimizerState> {
                self.0.state_dict()
            }

            fn load_state_dict(&mut self, state: &OptimizerState) -> Result<()> {
                self.0.load_state_dict(state)
            }
        }
    };
}

optimizer! {
    /// Steps by the running mean of the gradient over the root of the running mean of its square.
    ///
    /// Source: D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015; `amsgrad`
    /// from S. J. Reddi et al., "On the Convergence of Adam and Beyond", 2018.
    Adam, AdamBuilder, Decay::L2, weight decay 0.0
}

optimizer! {
    /// Adam with weight decay apart from the gradient.
    ///
    /// Source: I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", 2019.
    AdamW, AdamWBuilder, Decay::Decoupled, weight decay 0.01
}
