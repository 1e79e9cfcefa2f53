//! Values of all kinds, as JSON that Django writes.

/// Names and values: what `json.dumps` gives for them with Django's separators.
pub(crate) const VALUES: [(&str, &str); 36] = [
    ("null", "null"),
    ("true", "true"),
    ("false", "false"),
    ("zero", "0"),
    ("negative", "-1"),
    ("i64", "-9223372036854775808"),
    ("u64", "18446744073709551615"),
    ("beyond_u64", "18446744073709551616"),
    ("huge", "-1000000000000000000000000000000000000000000"),
    ("one", "1.0"),
    ("negative_zero", "-0.0"),
    ("tenth", "0.1"),
    ("third", "0.3333333333333333"),
    ("small", "1e-05"),
    ("not_so_small", "0.0001"),
    ("large", "1e+16"),
    ("not_so_large", "1000000000000000.0"),
    ("tiny", "5e-324"),
    ("biggest", "1.7976931348623157e+308"),
    ("empty", r#""""#),
    ("text", r#""plain""#),
    ("escapes", r#""\"\\/\b\f\n\r\t""#),
    ("control", r#""\u0000\u001f\u007f""#),
    ("latin", r#""gr\u00fcn""#),
    ("han", r#""\u6f22\u5b57""#),
    ("emoji", r#""\ud83d\ude00""#),
    ("separators", r#""\u2028\u2029\ufeff""#),
    ("list", "[]"),
    ("object", "{}"),
    ("mixed", r#"[1,[2.5,null],{"a":[true,{"b":"c"}]}]"#),
    ("order", r#"{"z":1,"a":2,"m":{"y":1,"b":2}}"#),
    ("numbers_as_names", r#"{"2":"i","2.5":"f","true":"t","null":"n"}"#),
    ("gr\u{fc}n", r#""a name that is not ASCII""#),
    ("a \"name\"\n", "1"),
    ("\u{1f600}", "2"),
    ("", "3"),
];

/// So much of it that Django packs it.
pub(crate) fn long() -> String {
    format!(r#""{}""#, "again and again ".repeat(500))
}

/// All of them as one object.
pub(crate) fn object() -> String {
    let entry = |(name, value): &(&str, &str)| format!("{}:{value}", serde_json::to_string(name).unwrap());
    format!("{{{}}}", VALUES.iter().map(entry).collect::<Vec<_>>().join(","))
}
