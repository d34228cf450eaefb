//! One manual page, from what clap knows of a command.

#![allow(clippy::format_push_string, reason = "a page is put together of many small pieces")]

use clap::{Arg, Command};

/// The page of a command of a built tree, and where else to look.
pub(super) fn page(command: &Command, name: &str, others: &[String]) -> String {
    let help = command.get_after_long_help().or_else(|| command.get_after_help()).unwrap().to_string();
    let (sections, notes): (Vec<_>, Vec<_>) = help.split("\n\n").partition(|block| section(block).is_some());
    let about = command.get_about().unwrap().to_string();
    let whole = command.get_long_about().map_or_else(|| about.clone(), ToString::to_string);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    // Without a date: it would change by itself.
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(".TH {} 1 \"\" \"certctl {version}\" \"certctl manual\"\n", name.to_uppercase());
    page += &format!(".SH NAME\n{} \\- {}\n", text(name), text(&about));
    page += &format!(".SH SYNOPSIS\n{}\n", text(usage));
    let paragraphs: Vec<_> = whole.split("\n\n").map(|block| text(block.trim_end_matches('.')) + ".\n").collect();
    page += &format!(".SH DESCRIPTION\n{}", paragraphs.join(".PP\n"));
    for note in notes {
        page.push_str(".PP\n");
        page.extend(note.lines().map(|line| if line.starts_with("  ") { definition(line) } else { text(line) + "\n" }));
    }
    let commands: Vec<_> = shown(command).collect();
    if !commands.is_empty() {
        page.push_str(".SH COMMANDS\n");
        let entry = |command: &&Command| {
            let name = command.get_display_name().unwrap();
            format!(".TP\n\\fB{}\\fR(1)\n{}\n", text(name), text(&command.get_about().unwrap().to_string()))
        };
        page.extend(commands.iter().map(entry));
    }
    for (heading, is_global) in [("OPTIONS", false), ("\"GLOBAL OPTIONS\"", true)] {
        page += &format!(".SH {heading}\n");
        let of_heading =
            |argument: &&Arg| argument.get_help_heading().is_some() == is_global && !argument.is_hide_set();
        page.extend(command.get_positionals().filter(of_heading).map(option));
        page.extend(command.get_opts().filter(of_heading).map(option));
        page.extend(command.get_arguments().filter(of_heading).filter(|argument| is_flag(argument)).map(option));
    }
    for (heading, lines) in sections.into_iter().filter_map(section) {
        page += &format!(".SH \"{}\"\n", heading.to_uppercase());
        if heading == "Examples" {
            let examples: String = lines.lines().map(|line| text(line.trim_start()) + "\n").collect();
            page += &format!(".nf\n{examples}.fi\n");
        } else {
            page.extend(lines.lines().map(definition));
        }
    }
    if !help.contains("Exit status:\n") {
        page.push_str(".SH \"EXIT STATUS\"\nAs \\fBcertctl\\fR(1) has it.\n");
    }
    let others: Vec<_> =
        others.iter().filter(|other| *other != name).map(|other| format!("\\fB{}\\fR(1)", text(other))).collect();
    page + ".SH \"SEE ALSO\"\n" + &others.join(",\n") + "\n"
}

/// The subcommands that have a page.
pub(super) fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

/// A block of the help that is a section: its heading, and its lines.
fn section(block: &str) -> Option<(&str, &str)> {
    block.split_once(":\n").filter(|(heading, _)| !heading.contains(['.', '\n']))
}

fn is_flag(argument: &Arg) -> bool {
    !argument.get_action().takes_values()
}

/// A line with a word and, behind two blanks or more, what it means.
fn definition(line: &str) -> String {
    let (term, meaning) = line.trim_start().split_once("  ").unwrap_or_else(|| panic!("{line}"));
    format!(".TP\n\\fB{}\\fR\n{}\n", text(term), text(meaning.trim_start()))
}

fn option(argument: &Arg) -> String {
    let value = argument.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = short.into_iter().chain(long).map(|name| format!("\\fB{}\\fR", text(&name))).collect();
    let value = if is_flag(argument) { String::new() } else { format!("\\fI{}\\fR", text(&value)) };
    let term = [names.join(", "), value].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let help = argument.get_long_help().or_else(|| argument.get_help()).unwrap().to_string();
    let possible = argument.get_possible_values();
    let possible: Vec<_> = possible.iter().map(clap::builder::PossibleValue::get_name).collect();
    let possible =
        if is_flag(argument) || possible.is_empty() { String::new() } else { format!(": {}", possible.join(", ")) };
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if is_flag(argument) || defaults.is_empty() {
        String::new()
    } else {
        format!(" [default: {}]", defaults.join(", "))
    };
    format!(".TP\n{term}\n{}\n", text(&format!("{help}{possible}{default}").replace('\n', " ")))
}

/// As text, whatever is in it.
fn text(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
        .replace('~', "\\(ti")
        .replace('`', "\\(ga");
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}
