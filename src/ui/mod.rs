//! Draws a [`Screen`](crate::view::Screen) with a [`Theme`](crate::config::Theme) into a terminal buffer.
//!
//! Nothing is decided here: what is seen, where and how wide comes from `view`, how it looks from the theme.

mod draw;
mod paint;
mod svg;

pub use draw::draw;
pub use svg::svg;
