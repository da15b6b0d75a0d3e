//! The parts of the screen, one function each.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::paint::Painter;
use crate::config::{Role, Theme};
use crate::view::{Area, Body, Border, Panel, Placed, Row, Screen, Table, cell_start};

/// Draws a screen; returns the position of the cursor, `None` if it is hidden.
pub fn draw(screen: &Screen, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    let mut painter = Painter::new(theme, buffer);
    screen.rules.iter().for_each(|rule| draw_rule(&mut painter, rule));
    screen.lines.iter().for_each(|line| draw_placed(&mut painter, line));
    screen.tabs.iter().for_each(|tab| draw_placed(&mut painter, &tab.placed));
    match &screen.body {
        Body::Table(table) => draw_table(&mut painter, table),
        Body::Face(lines) => lines.iter().for_each(|line| draw_placed(&mut painter, line)),
        Body::Covered => {}
    }
    screen.detail.iter().chain(&screen.overlay).for_each(|panel| draw_panel(&mut painter, panel));
    screen.cursor.map(|(x, y)| Position { x, y })
}

fn draw_placed(painter: &mut Painter<'_>, placed: &Placed) {
    painter.line(&placed.line, placed.area.x, placed.area.y, placed.area.width);
}

fn draw_rule(painter: &mut Painter<'_>, rule: &Placed) {
    painter.repeat("─", rule.area, Role::Border);
    let text = rule.area.inset(2, 0);
    painter.line(&rule.line, text.x, text.y, text.width);
}

fn draw_table(painter: &mut Painter<'_>, table: &Table) {
    for column in &table.columns {
        painter.line(&column.title, cell_start(column, &column.title), table.area.y, column.width);
    }
    let first = table.area.y.saturating_add(1);
    for (row, y) in table.rows.iter().zip(first..) {
        draw_row(painter, table, row, y);
    }
}

fn draw_row(painter: &mut Painter<'_>, table: &Table, row: &Row, y: u16) {
    painter.line(&row.mark, table.area.x, y, 2);
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        painter.line(cell, cell_start(column, cell), y, column.width);
    }
    if let Some(role) = row.emphasis {
        painter.over(Area::row(table.area.x, y, table.area.width), role);
    }
}

fn draw_panel(painter: &mut Painter<'_>, panel: &Panel) {
    painter.clear(panel.area);
    draw_border(painter, panel);
    let (text, inside) = (panel.text_area(), panel.inside());
    painter.line(&panel.title, text.x, text.y, text.width);
    for (line, y) in panel.lines.iter().zip(inside.y..) {
        painter.line(line, inside.x, y, inside.width);
    }
    let bottom = panel.area.y.saturating_add(panel.area.height.saturating_sub(1));
    if panel.border != Border::None && panel.area.height > 1 {
        painter.line(&panel.hint, text.x, bottom, text.width);
    }
}

fn draw_border(painter: &mut Painter<'_>, panel: &Panel) {
    let Area { x, y, width, height } = panel.area;
    let (right, bottom) = (x.saturating_add(width.saturating_sub(1)), y.saturating_add(height.saturating_sub(1)));
    let column = |x| Area { x, y, width: 1, height };
    match panel.border {
        Border::None => {}
        Border::Left => painter.repeat("│", column(x), Role::BorderFocus),
        Border::Box => {
            painter.repeat("│", column(x), Role::BorderFocus);
            painter.repeat("│", column(right), Role::BorderFocus);
            painter.repeat("─", Area::row(x, y, width), Role::BorderFocus);
            painter.repeat("─", Area::row(x, bottom, width), Role::BorderFocus);
            for (corner, x, y) in [("┌", x, y), ("┐", right, y), ("└", x, bottom), ("┘", right, bottom)] {
                painter.repeat(corner, Area::row(x, y, 1), Role::BorderFocus);
            }
        }
    }
}
