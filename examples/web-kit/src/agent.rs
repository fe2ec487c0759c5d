//! Browsers as people call them.

/// A browser and its system out of what it calls itself, as `Chrome · Windows`; other programs by their first word. `None`
/// if it says nothing that could be shown.
///
/// Most browsers also claim to be others, so the order of the names counts.
pub fn short_agent(agent: &str) -> Option<String> {
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name);
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} · {system}")),
        (Some(name), None) | (None, Some(name)) if agent.starts_with("Mozilla/") => Some(name.to_owned()),
        _ => {
            let program: String = agent.split(['/', ' ', '(']).next()?.chars().take(40).collect();
            let readable =
                !program.is_empty() && program.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            readable.then_some(program).filter(|program| program != "Mozilla")
        }
    }
}

const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("KAKAOTALK", "KakaoTalk"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_by_the_names_that_people_know() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (agent, name) in [
            (format!("{windows} Chrome/130.0.0.0 Safari/537.36"), Some("Chrome · Windows")),
            (format!("{windows} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0"), Some("Edge · Windows")),
            (format!("{windows} Chrome/128.0.0.0 Whale/4.28.0 Safari/537.36"), Some("Whale · Windows")),
            (format!("{phone} Version/17.5 Mobile/15E148 Safari/604.1"), Some("Safari · iPhone")),
            (format!("{phone} CriOS/130.0.0.0 Mobile/15E148 Safari/604.1"), Some("Chrome · iPhone")),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0".into(), Some("Firefox · Linux")),
            ("curl/8.5.0".into(), Some("curl")),
            ("python-requests/2.32".into(), Some("python-requests")),
            ("Mozilla/5.0".into(), None),
            ("<script>".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(short_agent(&agent).as_deref(), name, "{agent}");
        }
    }
}
