//! The `batchtop` program.

fn main() {}
