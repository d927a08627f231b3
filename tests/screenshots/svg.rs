//! Terminal cells as SVG: one rectangle for each run of background, one text for each run of style.

use std::fmt::Write as _;

const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const PAGE: &str = "#14181d";
const INK: &str = "#d3d7db";

#[derive(Clone, PartialEq)]
struct Style {
    fg: String,
    bg: String,
    bold: bool,
    dim: bool,
    underline: bool,
    italic: bool,
}

/// The picture of a screen.
pub fn picture(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (f64::from(columns) * WIDTH + 16.0, f64::from(rows) * HEIGHT + 16.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"JetBrains Mono, DejaVu Sans Mono, monospace\" \
         font-size=\"14\" xml:space=\"preserve\">\n<rect width=\"100%\" height=\"100%\" fill=\"{PAGE}\"/>\n"
    );
    for row in 0..rows {
        line(&mut out, screen, row, columns);
    }
    if !screen.hide_cursor() {
        let (row, column) = screen.cursor_position();
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" \
             stroke=\"{INK}\"/>",
            8.0 + f64::from(column) * WIDTH,
            8.0 + f64::from(row) * HEIGHT
        );
    }
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, screen: &vt100::Screen, row: u16, columns: u16) {
    let mut column = 0;
    while column < columns {
        let Some(first) = screen.cell(row, column).map(style) else { return };
        let start = column;
        let mut text = String::new();
        while column < columns {
            let Some(cell) = screen.cell(row, column).filter(|cell| style(cell) == first) else {
                break;
            };
            if !cell.is_wide_continuation() {
                text.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
            column += 1;
        }
        run(out, &first, (row, start, column - start), &text);
    }
}

fn run(out: &mut String, style: &Style, (row, start, length): (u16, u16, u16), text: &str) {
    let x = 8.0 + f64::from(start) * WIDTH;
    let y = 8.0 + f64::from(row) * HEIGHT;
    let width = f64::from(length) * WIDTH;
    if style.bg != PAGE {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{}\"/>",
            style.bg
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut attributes = String::new();
    for (wanted, attribute) in [
        (style.bold, " font-weight=\"bold\""),
        (style.dim, " opacity=\"0.6\""),
        (style.underline, " text-decoration=\"underline\""),
        (style.italic, " font-style=\"italic\""),
    ] {
        if wanted {
            attributes.push_str(attribute);
        }
    }
    // Each character has its own place, so that no font's advance can move a column.
    let places = (0..text.chars().count())
        .map(|index| format!("{:.1}", x + f64::from(u32::try_from(index).unwrap_or(0)) * WIDTH))
        .collect::<Vec<_>>()
        .join(" ");
    let _ = writeln!(
        out,
        "<text x=\"{places}\" y=\"{:.1}\" fill=\"{}\"{attributes}>{}</text>",
        y + 13.5,
        style.fg,
        escape(text)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn style(cell: &vt100::Cell) -> Style {
    let mut fg = colour(cell.fgcolor(), INK);
    let mut bg = colour(cell.bgcolor(), PAGE);
    if cell.inverse() {
        std::mem::swap(&mut fg, &mut bg);
    }
    Style {
        fg,
        bg,
        bold: cell.bold(),
        dim: cell.dim(),
        underline: cell.underline(),
        italic: cell.italic(),
    }
}

fn colour(colour: vt100::Color, default: &str) -> String {
    const ANSI: [&str; 16] = [
        "#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#cccccc",
        "#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
    ];
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match colour {
        vt100::Color::Default => default.into(),
        vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        vt100::Color::Idx(index) if index < 16 => ANSI[usize::from(index)].into(),
        vt100::Color::Idx(index) if index >= 232 => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        vt100::Color::Idx(index) => {
            let cube = usize::from(index - 16);
            let part = |at: usize| STEPS[at % 6];
            format!("#{:02x}{:02x}{:02x}", part(cube / 36), part(cube / 6), part(cube))
        }
    }
}
