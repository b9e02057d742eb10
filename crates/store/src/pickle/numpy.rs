//! NumPy's arrays in a pickle: a bare object, and its state.

use super::damaged;
use super::object::{Id, NumpyArray, Object};
use super::read::Machine;
use flambeau_tensor::Result;
use std::sync::Arc;

/// Whether a file of arrays may use a name.
pub(super) fn is_known(module: &str, name: &str) -> bool {
    matches!(
        (module, name),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct")
            | ("numpy", "ndarray" | "dtype")
            | ("_codecs", "encode")
            | ("collections", "OrderedDict")
    )
}

impl Machine<'_, '_> {
    /// What calling one of NumPy's names builds.
    pub(super) fn numpy_call(&mut self, name: &str, arguments: &[Id]) -> Result<Object> {
        match (name, arguments) {
            ("_reconstruct", &[_class, _shape, _code]) => Ok(Object::NumpyArray(Arc::default())),
            ("dtype", &[kind, ..]) => {
                let kind = self.text(kind)?;
                // The order may stand before the name, or come with the state.
                let bare = kind.trim_start_matches(['<', '>', '|', '=']);
                Ok(Object::NumpyType { kind: bare.into(), big_endian: kind.starts_with('>') })
            }
            _ => Err(damaged(format!("numpy.{name} called with {} arguments", arguments.len()))),
        }
    }

    /// Sets the state of the topmost value, an array or a dtype.
    pub(super) fn numpy_state(&mut self, state: Id) -> Result<()> {
        let parts = self.copied_items(state)?;
        match (self.top_mut()?, &parts[..]) {
            // Version, byte order, and what only structures have.
            (Object::NumpyType { .. }, &[_version, order, ..]) => {
                let order = self.text(order)?;
                if let Object::NumpyType { big_endian, .. } = self.top_mut()? {
                    *big_endian = &*order == ">";
                }
                Ok(())
            }
            (Object::NumpyArray(_), &[_version, shape, dtype, fortran, content]) => {
                let shape = self.counts(shape)?;
                let Object::NumpyType { kind, big_endian } = &self.objects[dtype] else {
                    return Err(damaged("an array without a dtype"));
                };
                let bytes: Arc<[u8]> = match &self.objects[content] {
                    Object::Bytes(bytes) => bytes.clone(),
                    // Bytes that happen to be text, in Python 2's strings.
                    Object::Str(text) => text.as_bytes().into(),
                    other => return Err(damaged(format!("an array of {}s", other.kind()))),
                };
                let array = NumpyArray {
                    shape,
                    kind: kind.clone(),
                    big_endian: *big_endian,
                    fortran: matches!(self.objects[fortran], Object::Bool(true)),
                    bytes,
                };
                *self.top_mut()? = Object::NumpyArray(Arc::new(array));
                Ok(())
            }
            (other, parts) => Err(damaged(format!("the state of a {} has {} parts", other.kind(), parts.len()))),
        }
    }
}
