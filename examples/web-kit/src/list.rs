//! Many things on a page.

use maud::{Markup, html};

use crate::{View, texts};

/// A table. On narrow screens it scrolls by itself, also by keyboard, and the page does not.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    /// What it shows; read out when somebody comes to it.
    pub caption: &'a str,
    /// Its columns; `true` for numbers, which stand at the right.
    pub columns: &'a [(&'a str, bool)],
    /// Its rows. The first cell of each names it.
    pub rows: Vec<Vec<Markup>>,
}

impl maud::Render for Table<'_> {
    fn render(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.caption) { table {
                caption.unseen { (self.caption) }
                thead { tr { @for (name, number) in self.columns { th scope="col" .number[*number] { (name) } } } }
                tbody { @for row in &self.rows { tr { @for (cell, (_, number)) in row.iter().zip(self.columns) {
                    @if std::ptr::eq(cell, &row[0]) { th scope="row" { (cell) } } @else { td .number[*number] { (cell) } }
                } } } }
            } }
        }
    }
}

/// What stands where a list would be, if there was anything in it: what belongs here, and how it gets here.
pub fn empty(title: &str, hint: &str) -> Markup {
    html! { div.empty { p { strong { (title) } } p { (hint) } } }
}

/// The way through a list whose pages each begin behind the last of the one before.
pub fn pager(view: &View, first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            p.pager {
                @if let Some(first) = first { a href=(first) { (view.say(texts::BACK_TO_START)) } }
                @if let Some(next) = next { a href=(next) rel="next" { (view.say(texts::MORE)) } }
            }
        }
    }
}
