//! Writes into the frame: by role, clipped, cleaned, with the theme's signs.

use super::rich::Rich;
use crate::ui::format::{clean, head, is_clean, width};
use crate::ui::glyphs::{self, Sign};
use crate::ui::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// A pen on a frame.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
}

impl<'a> Pen<'a> {
    /// A pen for this frame and theme.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buffer, theme }
    }

    /// The glyph of a sign.
    #[must_use]
    pub fn glyph(&self, sign: Sign) -> &'static str {
        sign.glyph(self.theme.ascii)
    }

    /// Writes text at a place, at most `columns` wide; returns the columns used. Text that does not fit is clipped.
    pub fn put(&mut self, x: u16, y: u16, columns: u16, role: Role, text: &str) -> u16 {
        let clean = if is_clean(text) { Cow::Borrowed(text) } else { Cow::Owned(clean(text)) };
        let shown = if self.theme.ascii { glyphs::to_ascii(&clean) } else { clean };
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let columns = columns.min(area.right() - x);
        let part = head(&shown, usize::from(columns));
        self.buffer.set_stringn(x, y, part, usize::from(columns), self.theme.style(role));
        u16::try_from(width(part)).unwrap_or(columns)
    }

    /// Writes a line; returns the columns used.
    pub fn rich(&mut self, x: u16, y: u16, columns: u16, line: &Rich) -> u16 {
        let mut used = 0;
        for span in &line.0 {
            if used >= columns {
                break;
            }
            used += self.put(x + used, y, columns - used, span.role, &span.text);
        }
        used
    }

    /// Writes text so that it ends before column `end`.
    pub fn right(&mut self, end: u16, y: u16, role: Role, text: &str) {
        let shown = if self.theme.ascii { glyphs::to_ascii(text) } else { Cow::Borrowed(text) };
        let columns = u16::try_from(width(&shown)).unwrap_or(0);
        self.put(end.saturating_sub(columns), y, columns, role, &shown);
    }

    /// A rule across `area`'s first line with a title, and words at its right end.
    pub fn rule(&mut self, area: Rect, title: &Rich, right: &Rich) {
        let rule = self.glyph(glyphs::RULE).repeat(usize::from(area.width));
        self.put(area.x, area.y, area.width, Role::Rule, &rule);
        if !title.0.is_empty() {
            let padded = padded(title);
            self.rich(area.x + 1, area.y, area.width.saturating_sub(2), &padded);
        }
        let columns = u16::try_from(self.columns(right) + 2).unwrap_or(0);
        let room = area.width.saturating_sub(u16::try_from(self.columns(title)).unwrap_or(0) + 4);
        if !right.0.is_empty() && columns <= room {
            let padded = padded(right);
            self.rich(area.right().saturating_sub(columns + 1), area.y, columns, &padded);
        }
    }

    fn columns(&self, line: &Rich) -> usize {
        if self.theme.ascii { width(&glyphs::to_ascii(&line.plain())) } else { line.width() }
    }

    /// Puts the style of a role over an area, keeping what is written.
    pub fn over(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area, self.theme.style(role));
    }

    /// Empties an area, in the style of a role.
    pub fn blank(&mut self, area: Rect, role: Role) {
        let blanks = " ".repeat(usize::from(area.width));
        for y in area.top()..area.bottom() {
            self.put(area.x, y, area.width, role, &blanks);
        }
    }

    /// A line down the left edge between panes.
    pub fn separator(&mut self, x: u16, top: u16, bottom: u16) {
        let glyph = self.glyph(glyphs::SEPARATOR);
        for y in top..bottom {
            self.put(x, y, 1, Role::Rule, glyph);
        }
    }
}

fn padded(line: &Rich) -> Rich {
    let mut out = Rich::of(Role::Rule, " ");
    for span in &line.0 {
        out.push(span.role, &span.text);
    }
    out.push(Role::Rule, " ");
    out
}
