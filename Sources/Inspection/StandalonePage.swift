/// An HTML page that stands alone: its content policy lets it load nothing from anywhere and run no
/// scripts.
///
/// It follows the reader's choice of light or dark. Colours have a contrast of 7 and more to their
/// ground.
///
/// - Parameters:
///   - escapedTitle: its title and first heading, as it stands in HTML.
///   - style: rules beside those that all pages share.
///   - body: lines of HTML below the heading.
func standalonePage(escapedTitle title: String, style: String, body: [String]) -> String {
    let head = [
        "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
        "<meta http-equiv=\"Content-Security-Policy\" "
            + "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        "<title>\(title)</title>", "<style>", sharedStyle, style, "</style>", "</head>", "<body>",
        "<main>", "<h1>\(title)</h1>",
    ]
    return (head + body + ["</main>", "</body>", "</html>", ""]).joined(separator: "\n")
}

private let sharedStyle = """
    :root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --soft: #4a525c;
      --line: #d5dae0; --ring: #0b57b0; }
    @media (prefers-color-scheme: dark) { :root { --ground: #14171b; --text: #e8ebee;
      --soft: #b4bcc5; --line: #353b43; --ring: #7fb6ff; } }
    body { margin: 0; background: var(--ground); color: var(--text);
      font: 1rem/1.5 system-ui, sans-serif; }
    main { max-width: 76rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.5rem; margin: 0 0 0.5rem; }
    h2 { font-size: 1.1rem; margin: 0; }
    p { margin: 0.25rem 0 0.75rem; color: var(--soft); }
    """
