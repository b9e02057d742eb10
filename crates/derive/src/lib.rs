//! `#[derive(Module)]`: a struct whose fields are parameters, buffers and modules is a module.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, parse_macro_input, spanned::Spanned};

/// Implements `flambeau::nn::Module` for a struct: each field is visited under its own name, in
/// the order of declaration, which is the order of `parameters()` and of the state dict.
///
/// Fields that are no part of the state (sizes, strides, names) are marked `#[module(skip)]`.
/// `#[module(rename = "…")]` gives a field another name in the state dict.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<Tokens, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "Module can be derived for structs only"));
    };
    let mut visits = Vec::new();
    for (position, field) in data.fields.iter().enumerate() {
        let mut name = match &field.ident {
            Some(ident) => ident.to_string().trim_start_matches("r#").to_owned(),
            None => position.to_string(),
        };
        let mut skip = false;
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("module")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("skip") {
                    skip = true;
                    Ok(())
                } else if meta.path.is_ident("rename") {
                    name = meta.value()?.parse::<syn::LitStr>()?.value();
                    Ok(())
                } else {
                    Err(meta.error("expected `skip` or `rename = \"…\"`"))
                }
            })?;
        }
        if skip {
            continue;
        }
        let access = match &data.fields {
            Fields::Named(_) => {
                let ident = &field.ident;
                quote!(self.#ident)
            }
            _ => {
                let index = syn::Index::from(position);
                quote!(self.#index)
            }
        };
        let ty = &field.ty;
        // The span of the field's type, so that a type that is no module is what the error points at.
        visits.push(quote::quote_spanned!(ty.span()=>
            ::flambeau::nn::Module::visit(&#access, &path.child(#name), visitor);
        ));
    }
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics ::flambeau::nn::Module for #ident #type_generics #where_clause {
            fn visit(&self, path: &::flambeau::nn::Path<'_>, visitor: &mut dyn ::flambeau::nn::Visitor) {
                #(#visits)*
                let _ = (path, visitor);
            }
        }
    })
}
