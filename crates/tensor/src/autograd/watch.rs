//! Seeing which nodes of a backward pass run, and for how long.

use std::cell::RefCell;
use std::time::Instant;

/// Is told a node's name and when it began, once it has ended.
type Watcher = Box<dyn FnMut(&str, Instant)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Does some work while a watcher is told of every node that a backward pass on this thread runs:
/// its name, such as `ConvolutionBackward0`, and when it began, once it has ended. Nodes of a pass
/// within a node are told before it. A watcher takes the place of one that watches already, until
/// the work is done; it must not run a backward pass itself.
///
/// ```
/// use flambeau_tensor::{Tensor, autograd};
/// use std::{cell::RefCell, rc::Rc};
///
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?.requires_grad_(true)?;
/// let loss = x.exp()?.sum()?;
/// let names = Rc::new(RefCell::new(Vec::new()));
/// let seen = names.clone();
/// autograd::watched(move |name, _began| seen.borrow_mut().push(name.to_owned()), || loss.backward())?;
/// assert_eq!(*names.borrow(), ["SumBackward0", "ExpBackward0"]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn watched<R>(watcher: impl FnMut(&str, Instant) + 'static, work: impl FnOnce() -> R) -> R {
    /// Puts the former watcher back, whatever becomes of the work.
    struct Former(Option<Watcher>);
    impl Drop for Former {
        fn drop(&mut self) {
            let former = self.0.take();
            WATCHER.with_borrow_mut(|current| *current = former);
        }
    }
    let _former = Former(WATCHER.with_borrow_mut(|current| current.replace(Box::new(watcher))));
    work()
}

/// The time now, if anybody watches.
pub(super) fn begin() -> Option<Instant> {
    WATCHER.with_borrow(|watcher| watcher.as_ref().map(|_| Instant::now()))
}

/// Tells of a node that began then.
pub(super) fn end(name: &str, began: Instant) {
    WATCHER.with_borrow_mut(|watcher| {
        if let Some(watcher) = watcher {
            watcher(name, began);
        }
    });
}
