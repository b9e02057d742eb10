//! The thousand classes of ImageNet.

/// One name a line, in the order of networks' outputs: torchvision's short names (BSD-3-Clause).
const NAMES: &str = include_str!("imagenet_classes.txt");

/// The names of the classes, in the order of networks' outputs.
pub fn classes() -> impl ExactSizeIterator<Item = &'static str> {
    NAMES.lines().collect::<Vec<_>>().into_iter()
}

/// The name of a class.
pub fn class(number: usize) -> Option<&'static str> {
    NAMES.lines().nth(number)
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_a_thousand_classes() {
        assert_eq!(super::classes().len(), 1000);
        assert_eq!(super::class(285), Some("Egyptian cat"));
        assert_eq!(super::class(872), Some("tripod"));
        assert_eq!(super::class(1000), None);
    }
}
