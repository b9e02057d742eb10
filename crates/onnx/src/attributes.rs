//! The attributes of a node.

use crate::data::{self, Folder};
use crate::proto::{self, attribute_kind};
use flambeau_tensor::{DType, Error, Result, Tensor};
use std::cell::RefCell;

/// Attributes by name. Those that were read are remembered: one that nobody read is one that
/// nobody knew, and the node would not do what the file says.
pub struct Attributes<'a> {
    all: &'a [proto::Attribute],
    read: RefCell<Vec<&'a str>>,
}

/// Whether an attribute may be of a kind; old files do not say which.
fn is_kind(attribute: &proto::Attribute, kind: i32) -> bool {
    attribute.kind.is_none_or(|given| given == kind || given == 0)
}

impl<'a> Attributes<'a> {
    /// The attributes of a node.
    pub fn of(node: &'a proto::Node) -> Self {
        Attributes { all: &node.attribute, read: RefCell::default() }
    }

    /// An attribute by name.
    pub fn find(&self, name: &str) -> Option<&'a proto::Attribute> {
        let found = self.all.iter().find(|a| a.name.as_deref() == Some(name))?;
        self.read.borrow_mut().push(found.name.as_deref().unwrap_or(""));
        Some(found)
    }

    fn typed<T>(
        &self,
        name: &str,
        kind: &str,
        get: impl FnOnce(&'a proto::Attribute) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.find(name) {
            None => Ok(None),
            Some(attribute) => match get(attribute) {
                Some(value) => Ok(Some(value)),
                None => Err(Error::file(format!("attribute {name:?} is not {kind}"))),
            },
        }
    }

    /// An integer that may be absent.
    pub fn optional_int(&self, name: &str) -> Result<Option<i64>> {
        // Writers of proto3 leave zeros out.
        self.typed(name, "an integer", |a| a.i.or((a.kind == Some(attribute_kind::INT)).then_some(0)))
    }

    /// An integer.
    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    /// A truth value, which is an integer in a file.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.int(name, default.into())? != 0)
    }

    /// A number.
    pub fn float(&self, name: &str, default: f32) -> Result<f64> {
        let number = |a: &proto::Attribute| a.f.or((a.kind == Some(attribute_kind::FLOAT)).then_some(0.0));
        Ok(self.typed(name, "a number", number)?.unwrap_or(default).into())
    }

    /// A list of integers that may be absent.
    pub fn optional_ints(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let list = |a: &proto::Attribute| is_kind(a, attribute_kind::INTS).then(|| a.ints.clone());
        self.typed(name, "a list of integers", list)
    }

    /// A list of integers, empty if absent.
    pub fn ints(&self, name: &str) -> Result<Vec<i64>> {
        Ok(self.optional_ints(name)?.unwrap_or_default())
    }

    /// A list of numbers that may be absent.
    pub fn optional_floats(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let list = |a: &proto::Attribute| is_kind(a, attribute_kind::FLOATS).then(|| a.floats.clone());
        self.typed(name, "a list of numbers", list)
    }

    /// A text.
    pub fn string(&self, name: &str, default: &'a str) -> Result<&'a str> {
        let text = |a: &'a proto::Attribute| std::str::from_utf8(a.s.as_ref()?).ok();
        Ok(self.typed(name, "a text", text)?.unwrap_or(default))
    }

    /// A tensor that may be absent.
    pub fn tensor(&self, name: &str, folder: &Folder) -> Result<Option<Tensor>> {
        self.typed(name, "a tensor", |a| a.t.as_ref())?.map(|tensor| data::read(tensor, folder)).transpose()
    }

    /// A dtype that may be absent.
    pub fn dtype(&self, name: &str) -> Result<Option<DType>> {
        self.optional_int(name)?.map(data::dtype).transpose()
    }

    /// One of several named values.
    pub fn choice<T: Copy>(&self, name: &str, default: &'a str, choices: &[(&str, T)]) -> Result<T> {
        let given = self.string(name, default)?;
        let found = choices.iter().find(|(text, _)| *text == given).map(|&(_, value)| value);
        found.ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(text, _)| *text).collect();
            Error::not_implemented(format!("attribute {name:?} is {given:?}; known are {}", names.join(", ")))
        })
    }

    /// Reads attributes that change nothing here.
    pub fn ignore(&self, names: &[&str]) {
        for name in names {
            self.find(name);
        }
    }

    /// Checks that every attribute was read.
    ///
    /// # Errors
    /// If one was not.
    pub fn finish(&self) -> Result<()> {
        let read = self.read.borrow();
        match self.all.iter().map(|a| a.name.as_deref().unwrap_or("")).find(|name| !read.contains(name)) {
            Some(name) => Err(Error::not_implemented(format!("attribute {name:?} is not known"))),
            None => Ok(()),
        }
    }
}
