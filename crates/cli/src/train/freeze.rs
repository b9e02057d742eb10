//! Parts of a network that stay as they are.

use flambeau::nn::{Path, Visitor};
use flambeau::prelude::*;
use flambeau::train::{Callback, Progress};

/// Whether a name begins with one of some prefixes, at a dot: `layer1` is not the beginning of `layer10.weight`.
fn begins(name: &str, prefixes: &[String]) -> bool {
    let at_a_dot = |rest: &str| rest.is_empty() || rest.starts_with('.');
    let whole = |prefix: &String| prefix.is_empty() || prefix.ends_with('.');
    prefixes.iter().any(|prefix| name.strip_prefix(prefix.as_str()).is_some_and(|rest| whole(prefix) || at_a_dot(rest)))
}

/// Keeps parts in evaluation mode, so that running statistics do not follow the images.
pub struct Frozen(Vec<String>);

impl Frozen {
    /// Makes the parameters under these prefixes need no gradient, and gives the others.
    ///
    /// # Errors
    /// If a prefix is that of no part, or nothing is left.
    pub fn new(net: &dyn Layer, prefixes: &[String]) -> Result<(Self, Vec<Tensor>)> {
        let state = net.state_dict();
        if let Some(prefix) =
            prefixes.iter().find(|&prefix| !state.keys().any(|name| begins(name, std::slice::from_ref(prefix))))
        {
            let mut parts: Vec<&str> = state.keys().filter_map(|name| name.split('.').next()).collect();
            parts.dedup();
            return Err(Error::value(format!(
                "nothing in the network begins with '{prefix}'; its parts: {}",
                parts.join(", ")
            )));
        }
        let mut left = Vec::new();
        for (name, parameter) in net.named_parameters() {
            if begins(&name, prefixes) {
                parameter.requires_grad_(false)?;
            } else if !left.iter().any(|known: &Tensor| known.same(&parameter)) {
                left.push(parameter);
            }
        }
        if left.is_empty() {
            return Err(Error::value("all of the network is frozen: nothing is left to learn"));
        }
        Ok((Self(prefixes.to_vec()), left))
    }
}

impl Visitor for &Frozen {
    fn training(&mut self, path: &Path<'_>, training: &flambeau::nn::Training) {
        if begins(&path.to_string(), &self.0) {
            training.set(false);
        }
    }
}

impl<M: Module> Callback<M> for Frozen {
    fn epoch_begins(&mut self, net: &M, _: &Progress) -> Result<()> {
        net.visit(&Path::ROOT, &mut &*self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_and_weights_stay() -> Result<()> {
        let net = Sequential::new().push(BatchNorm2d::new(2)?).push(BatchNorm2d::new(2)?);
        let (mut frozen, left) = Frozen::new(&net, &["0".to_owned()])?;
        assert_eq!(left.len(), 2);
        let mean = |part: &str| net.state_dict().get(part).expect("a buffer").to_vec::<f32>();
        net.train(true);
        Callback::<Sequential>::epoch_begins(&mut frozen, &net, &Progress::default())?;
        net.forward(&Tensor::full([2, 2, 2, 2], 3.0, DType::F32)?)?;
        assert_eq!(mean("0.running_mean")?, [0.0, 0.0]);
        assert!(mean("1.running_mean")?[0] > 0.0);
        Ok(())
    }

    #[test]
    fn prefixes_end_at_dots() -> Result<()> {
        let prefixes = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert!(begins("layer1.weight", &prefixes(&["layer1"])) && begins("layer1", &prefixes(&["layer1"])));
        assert!(!begins("layer10.weight", &prefixes(&["layer1"])));
        assert!(begins("layer1.weight", &prefixes(&["conv", "layer1."])));
        let net = Linear::new(2, 2)?;
        let message = |names: &[&str]| match Frozen::new(&net, &prefixes(names)) {
            Ok(_) => String::new(),
            Err(error) => error.message().to_owned(),
        };
        assert_eq!(message(&["features"]), "nothing in the network begins with 'features'; its parts: weight, bias");
        assert!(message(&["weight", "bias"]).starts_with("all of the network is frozen"));
        Ok(())
    }
}
