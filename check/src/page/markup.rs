//! Tags and escaping.
//!
//! **Invariant:** text from a report reaches the page only through [`escape`], and what is opened
//! is closed: a tag is written around its content.

use std::borrow::Cow;

/// Text that is no markup, in content and in attributes.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// An element around markup; attributes are escaped.
#[must_use]
pub fn element(name: &str, attributes: &[(&str, &str)], content: &str) -> String {
    format!("<{name}{}>{content}</{name}>", list(attributes))
}

/// An element around text.
#[must_use]
pub fn text(name: &str, attributes: &[(&str, &str)], content: &str) -> String {
    element(name, attributes, &escape(content))
}

/// An element of SVG without content.
#[must_use]
pub fn shape(name: &str, attributes: &[(&str, &str)]) -> String {
    format!("<{name}{}/>", list(attributes))
}

fn list(attributes: &[(&str, &str)]) -> String {
    let attribute = |(name, value): &(&str, &str)| format!(" {name}=\"{}\"", escape(value));
    attributes.iter().map(attribute).collect()
}

/// A table with a heading for each column; cells are markup.
#[must_use]
pub fn table(headings: &[&str], rows: &[(&str, Vec<String>)]) -> String {
    let headings: String = headings
        .iter()
        .map(|it| text("th", &[("scope", "col")], it))
        .collect();
    let row = |(class, cells): &(&str, Vec<String>)| {
        let cells: String = cells.iter().map(|cell| element("td", &[], cell)).collect();
        element("tr", &[("class", class)], &cells)
    };
    let rows: String = rows.iter().map(row).collect();
    let head = element("thead", &[], &element("tr", &[], &headings));
    let table = element("table", &[], &(head + &element("tbody", &[], &rows)));
    element("div", &[("class", "wide"), ("tabindex", "0")], &table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        assert_eq!(escape("plain ×"), "plain ×");
        assert_eq!(
            text("td", &[("title", "a\"b")], "<i>&'"),
            "<td title=\"a&quot;b\">&lt;i&gt;&amp;&#39;</td>"
        );
    }
}
