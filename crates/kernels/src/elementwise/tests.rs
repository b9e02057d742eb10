//! Tests of the engine and its functions.
