//! The texts of PyTorch's `TypeError`s for calls that fit no signature.

use crate::matching::Call;
use crate::schema::{Kind, Param, Schema};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// The name of an object's type as Python's own messages give it.
pub fn type_name(object: &Bound<'_, PyAny>) -> String {
    qualified_name(object).unwrap_or_else(|_| "object".to_owned())
}

fn qualified_name(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = object.get_type();
    let name = class.name()?.to_string();
    // Classes written in C carry their module in the name: `numpy.ndarray`, `torch.dtype`.
    let module: String = class.getattr("__module__")?.extract()?;
    Ok(match module.split('.').next() {
        Some("numpy") => format!("{module}.{name}"),
        Some("flambeau") if matches!(name.as_str(), "dtype" | "device" | "layout" | "memory_format" | "Size") => {
            format!("torch.{name}")
        }
        _ => name,
    })
}

/// `tuple of ints stride = 1`.
fn declaration(param: &Param, kind: &str, name: &str) -> String {
    match param.default_text {
        None => format!("{kind} {name}"),
        Some(text) if param.kind == Kind::Str && text != "None" => {
            format!("{kind} {name} = \"{}\"", text.trim_matches(['"', '\'']))
        }
        Some(text) => format!("{kind} {name} = {text}"),
    }
}

/// One signature as the messages show it.
struct Shown {
    text: String,
    /// Pieces between the commas, the lone star included.
    pieces: usize,
    positional: Vec<&'static str>,
    required: Vec<&'static str>,
}

fn shown(schema: &Schema, skip: usize, number_for: Option<usize>) -> Shown {
    let mut pieces = Vec::new();
    let mut star = false;
    for (i, param) in schema.params.iter().enumerate().skip(skip) {
        // Methods have no `out`.
        if skip > 0 && schema.out == Some(i) {
            continue;
        }
        if param.keyword_only && !star {
            star = true;
            pieces.push("*".to_owned());
        }
        let kind = if number_for == Some(i) { "Number" } else { param.kind.name() };
        pieces.push(declaration(param, kind, param.name));
    }
    let params = &schema.params[skip..];
    Shown {
        text: format!("({})", pieces.join(", ")),
        pieces: pieces.len(),
        positional: params
            .iter()
            .enumerate()
            .map(|(i, p)| if number_for == Some(i + skip) { "Number" } else { p.kind.name() })
            .collect(),
        required: params.iter().filter(|p| p.default.is_none()).map(|p| p.name).collect(),
    }
}

/// What an argument is called in the list of what was given.
fn given_name(object: &Bound<'_, PyAny>) -> String {
    let names = |items: Vec<Bound<'_, PyAny>>| items.iter().map(type_name).collect::<Vec<_>>().join(", ");
    if let Ok(list) = object.cast_exact::<PyList>() {
        format!("list of [{}]", names(list.iter().collect()))
    } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        let comma = if tuple.len() == 1 { "," } else { "" };
        format!("tuple of ({}{comma})", names(tuple.iter().collect()))
    } else {
        type_name(object)
    }
}

/// Operators of arithmetic show a tensor-or-number parameter as one that takes a tensor; the
/// others have a second signature for numbers.
fn numbers_are_tensors(name: &str) -> bool {
    let name = name.strip_suffix('_').unwrap_or(name);
    matches!(
        name,
        "add"
            | "sub"
            | "mul"
            | "div"
            | "divide"
            | "multiply"
            | "subtract"
            | "true_divide"
            | "floor_divide"
            | "__and__"
            | "__or__"
            | "__xor__"
    )
}

/// The message for a call that fits none of several signatures (or lacks what the only one needs).
pub fn no_match(call: &Call<'_, '_>, schemas: &[&Schema], name: &str) -> String {
    let skip = usize::from(call.receiver.is_some());
    let (mut options, mut with_numbers) = (Vec::new(), Vec::new());
    for schema in schemas {
        options.push(shown(schema, skip, None));
        let operand = schema.params.iter().skip(1).position(|p| p.kind == Kind::Operand).map(|i| i + 1);
        if operand.is_some() && !numbers_are_tensors(name) {
            with_numbers.push(shown(schema, skip, operand));
        }
    }
    options.append(&mut with_numbers);
    let keywords: Vec<(String, Bound<'_, PyAny>)> = call.keywords();
    let positional: Vec<Bound<'_, PyAny>> = call.positional().collect();
    let mut got: Vec<String> = positional.iter().map(type_name).collect();
    got.extend(keywords.iter().rev().map(|(key, value)| format!("{key}={}", type_name(value))));
    let mut got = got.join(", ");
    if positional.is_empty() && !keywords.is_empty() {
        got.push_str(", ");
    }
    let head = format!("{name}() received an invalid combination of arguments - got ({got}), but expected");
    if let [only] = options.as_slice() {
        return format!("{head} {}", only.text);
    }
    let mut text = format!("{head} one of:\n");
    for option in &options {
        text.push_str(&format!(" * {}\n", option.text));
        if option.pieces != positional.len() + keywords.len() {
            continue;
        }
        let wrong: Vec<&str> =
            keywords.iter().rev().map(|(key, _)| key.as_str()).filter(|key| !option.required.contains(key)).collect();
        if !wrong.is_empty() {
            text.push_str(&format!(
                "      didn't match because some of the keywords were incorrect: {}\n",
                wrong.join(", ")
            ));
            continue;
        }
        let types: Vec<String> = positional
            .iter()
            .enumerate()
            .map(|(i, object)| {
                let name = given_name(object);
                let fits = name == "Tensor" && option.positional.get(i) == Some(&"Tensor");
                if fits { name } else { format!("!{name}!") }
            })
            .chain(keywords.iter().rev().map(|(key, value)| format!("{key}=!{}!", given_name(value))))
            .collect();
        text.push_str(&format!(
            "      didn't match because some of the arguments have invalid types: ({})\n",
            types.join(", ")
        ));
    }
    text
}
