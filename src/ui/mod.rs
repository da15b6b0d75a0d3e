//! Draws a [`Screen`](crate::view::Screen) with a [`Theme`](crate::config::Theme) into a terminal buffer.
//!
//! Makes no decisions: content, positions and widths come from `view`, styles from the theme.

mod draw;
mod paint;
mod svg;

pub use draw::draw;
pub use svg::svg;
