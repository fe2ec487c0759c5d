//! Parts of forms. They work without scripts; what was wrong stands beside its field and above the form.

use maud::{Markup, Render, html};

use crate::{View, texts};

/// A field with one line of text.
///
/// ```
/// use maud::Render;
/// use web_kit::Field;
///
/// let field = Field::new("email", "E-mail").kind("email").complete("email").value("a@b.kr").fault(Some("Too short."));
/// let html = field.render().into_string();
/// assert!(html.contains(r#"<label for="email">"#) && html.contains(r#"aria-invalid="true""#));
/// ```
#[derive(Debug, Clone)]
pub struct Field<'a> {
    name: &'a str,
    id: &'a str,
    label: &'a str,
    kind: &'a str,
    value: &'a str,
    hint: Option<&'a str>,
    optional: Option<&'a str>,
    fault: Option<&'a str>,
    complete: &'a str,
}

impl<'a> Field<'a> {
    /// A field by the name of its member, which is its `id` too.
    pub fn new(name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            id: name,
            label,
            kind: "text",
            value: "",
            hint: None,
            optional: None,
            fault: None,
            complete: "off",
        }
    }

    /// Another `id`, where a page has several fields of one name.
    #[must_use]
    pub fn id(self, id: &'a str) -> Self {
        Self { id, ..self }
    }

    /// Another kind than `text`. What was typed as a `password` never comes back.
    #[must_use]
    pub fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    /// What stands in it.
    #[must_use]
    pub fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    /// What helps to fill it in.
    #[must_use]
    pub fn hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// It may stay empty; `word` says so behind its label.
    #[must_use]
    pub fn optional(self, word: &'a str) -> Self {
        Self { optional: Some(word), ..self }
    }

    /// What was wrong with it.
    #[must_use]
    pub fn fault(self, fault: Option<&'a str>) -> Self {
        Self { fault, ..self }
    }

    /// What a browser may fill it in with: a value of `autocomplete`.
    #[must_use]
    pub fn complete(self, what: &'a str) -> Self {
        Self { complete: what, ..self }
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let (hint_id, fault_id) = (format!("{}-hint", self.id), format!("{}-fault", self.id));
        let told = [self.hint.map(|_| &hint_id), self.fault.map(|_| &fault_id)];
        let told: Vec<&str> = told.into_iter().flatten().map(String::as_str).collect();
        let told = (!told.is_empty()).then(|| told.join(" "));
        let value = (self.kind != "password" && !self.value.is_empty()).then_some(self.value);
        html! {
            div.field {
                label for=(self.id) { (self.label) @if let Some(word) = self.optional { " " span.muted { (word) } } }
                @if let Some(hint) = self.hint { p.hint id=(hint_id) { (hint) } }
                @if let Some(fault) = self.fault { p.fault id=(fault_id) { (fault) } }
                input id=(self.id) name=(self.name) type=(self.kind) value=[value] autocomplete=(self.complete)
                    autocapitalize="none" spellcheck="false" required[self.optional.is_none()]
                    aria-describedby=[told] aria-invalid=[self.fault.map(|_| "true")];
            }
        }
    }
}

/// One of several things to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// What is sent.
    pub value: &'a str,
    /// What people read.
    pub label: &'a str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// Choices that are all seen at once: of one kind, `radio`, or of many, `checkbox`.
pub fn choices(kind: &str, name: &str, label: &str, fault: Option<&str>, choices: &[Choice<'_>]) -> Markup {
    let fault_id = format!("{name}-fault");
    html! {
        fieldset.field id=(name) aria-describedby=[fault.map(|_| &fault_id)] {
            legend { (label) }
            @if let Some(fault) = fault { p.fault id=(fault_id) { (fault) } }
            @for choice in choices {
                label.choice { input type=(kind) name=(name) value=(choice.value) checked[choice.chosen]; span { (choice.label) } }
            }
        }
    }
}

/// One of several choices, behind a button.
pub fn select(id: &str, name: &str, label: &str, choices: &[Choice<'_>]) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            select id=(id) name=(name) {
                @for choice in choices { option value=(choice.value) selected[choice.chosen] { (choice.label) } }
            }
        }
    }
}

/// The one thing that a form is for.
pub fn button(label: &str) -> Markup {
    html! { button.primary { (label) } }
}

/// Something that is hard to undo. `about` tells readers of single buttons what it is done to.
pub fn danger(label: &str, about: &str) -> Markup {
    html! { button.danger { (label) @if !about.is_empty() { span.unseen { ": " (about) } } } }
}

/// What was wrong, above the form: each with a link to its field, if it has one. It takes the focus when the page opens.
pub fn error_summary(view: &View, faults: &[(Option<&str>, &str)]) -> Markup {
    html! {
        @if !faults.is_empty() {
            div.notice.bad role="alert" tabindex="-1" autofocus {
                p { strong { (view.say(texts::FAULTS)) } }
                @if let [(None, fault)] = faults { p { (fault) } } @else { ul {
                    @for (field, fault) in faults {
                        li { @if let Some(field) = field { a href={ "#" (field) } { (fault) } } @else { (fault) } }
                    }
                } }
            }
        }
    }
}

/// Browsers are asked not to check fields themselves, because they would speak their own language.
pub(crate) fn form(view: &View, action: Option<&str>, content: &Markup) -> Markup {
    html! { form.card method="post" action=[action] novalidate { (view.form_token()) (content) } }
}

/// The name under which password managers keep what stands in the fields below. They look at fields of text only, so it is
/// one that nobody sees or comes to.
pub(crate) fn username(login_name: &str) -> Markup {
    html! { input.unseen type="text" name="login_name" value=(login_name) autocomplete="username" readonly tabindex="-1" aria-hidden="true"; }
}
