//! Rust's operators on tensors. They can fail, so they give a `Result`: `(&a + &b)?`.

use crate::ops::Operand;
use crate::{Result, Tensor};

macro_rules! binary {
    ($($trait:ident, $method:ident, $function:ident;)*) => {$(
        impl<T: Into<Operand>> std::ops::$trait<T> for &Tensor {
            type Output = Result<Tensor>;
            fn $method(self, other: T) -> Result<Tensor> {
                self.$function(other)
            }
        }

        impl<T: Into<Operand>> std::ops::$trait<T> for Tensor {
            type Output = Result<Tensor>;
            fn $method(self, other: T) -> Result<Tensor> {
                Tensor::$function(&self, other)
            }
        }
    )*};
}
binary! {
    Add, add, add;
    Sub, sub, sub;
    Mul, mul, mul;
    Div, div, div;
    Rem, rem, remainder;
    BitAnd, bitand, bitwise_and;
    BitOr, bitor, bitwise_or;
    BitXor, bitxor, bitwise_xor;
}

impl std::ops::Neg for &Tensor {
    type Output = Result<Tensor>;
    fn neg(self) -> Result<Tensor> {
        Tensor::neg(self)
    }
}

impl std::ops::Neg for Tensor {
    type Output = Result<Tensor>;
    fn neg(self) -> Result<Tensor> {
        Tensor::neg(&self)
    }
}

impl std::ops::Not for &Tensor {
    type Output = Result<Tensor>;
    fn not(self) -> Result<Tensor> {
        self.bitwise_not()
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl std::ops::Add<&Tensor> for $number {
            type Output = Result<Tensor>;
            fn add(self, tensor: &Tensor) -> Result<Tensor> {
                tensor.add(self)
            }
        }

        impl std::ops::Sub<&Tensor> for $number {
            type Output = Result<Tensor>;
            fn sub(self, tensor: &Tensor) -> Result<Tensor> {
                tensor.rsub(self, 1)
            }
        }

        impl std::ops::Mul<&Tensor> for $number {
            type Output = Result<Tensor>;
            fn mul(self, tensor: &Tensor) -> Result<Tensor> {
                tensor.mul(self)
            }
        }

        impl std::ops::Div<&Tensor> for $number {
            type Output = Result<Tensor>;
            fn div(self, tensor: &Tensor) -> Result<Tensor> {
                tensor.reciprocal()?.mul(self)
            }
        }
    )*};
}
numbers!(f32, f64, i32, i64);
