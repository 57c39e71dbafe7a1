//! What the document says of one route, and the schemas that it names.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::Route;

/// The schemas of what is sent and of what is answered, as they are gathered.
pub(crate) struct Schemas {
    sent: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings
        };
        Self {
            sent: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }

    /// All that were named, by their names.
    pub(super) fn into_map(mut self) -> Map<String, Value> {
        let mut all = self.sent.take_definitions(true);
        for (name, schema) in self.answered.take_definitions(true) {
            let same = all.get(&name).is_none_or(|it| *it == schema);
            assert!(same, "`{name}` is sent as one thing and answered as another");
            all.insert(name, schema);
        }
        all
    }
}

/// What the document says of one route.
pub(crate) struct Operation {
    summary: &'static str,
    tag: &'static str,
    parameters: Vec<Value>,
    request: Option<Value>,
    answers: Map<String, Value>,
    security: Vec<&'static str>,
}

impl Operation {
    pub(crate) fn new(tag: &'static str, summary: &'static str) -> Self {
        let (parameters, security) = (Vec::new(), Vec::new());
        Self { summary, tag, parameters, request: None, answers: Map::new(), security }
    }

    /// One way in; whoever has none of several needs none if it is "".
    pub(crate) fn shown(mut self, scheme: &'static str) -> Self {
        self.security.push(scheme);
        self
    }

    /// Something that is said in the path, in the query or in a header.
    pub(crate) fn parameter(
        mut self,
        place: &str,
        name: &str,
        about: &str,
        schema: &Value,
    ) -> Self {
        self.parameters.push(json!({
            "name": name, "in": place, "required": true, "description": about, "schema": schema,
        }));
        self
    }

    /// The last parameter may as well be absent.
    pub(crate) fn optional(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut() {
            last["required"] = json!(false);
        }
        self
    }

    /// Takes JSON.
    pub(crate) fn takes<T: JsonSchema>(self, schemas: &mut Schemas, example: &Value) -> Self {
        let schema = schemas.sent.subschema_for::<T>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.takes_content(&content)
    }

    /// Takes something else.
    pub(crate) fn takes_content(mut self, content: &Value) -> Self {
        self.request = Some(json!({ "required": true, "content": content }));
        self
    }

    /// Answers with JSON.
    pub(crate) fn answers<T: JsonSchema>(
        self,
        status: u16,
        schemas: &mut Schemas,
        about: &str,
        example: &Value,
    ) -> Self {
        let schema = schemas.answered.subschema_for::<T>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.answers_content(status, about, &content)
    }

    /// Answers with something else, or with nothing if it is null.
    pub(crate) fn answers_content(mut self, status: u16, about: &str, content: &Value) -> Self {
        let mut answer = json!({ "description": about });
        if !content.is_null() {
            answer["content"] = content.clone();
        }
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// A header of an answer that was told of before.
    pub(crate) fn answers_header(mut self, status: u16, name: &str, header: &Value) -> Self {
        if let Some(answer) = self.answers.get_mut(&status.to_string()) {
            answer["headers"][name] = header.clone();
        }
        self
    }

    /// Says no by a problem document with one of these codes.
    pub(crate) fn refuses(mut self, refusals: &[(u16, &[&str])]) -> Self {
        for (status, codes) in refusals {
            let listed = codes.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            let schema = json!({
                "allOf": [
                    { "$ref": "#/components/schemas/Problem" },
                    { "properties": { "code": { "enum": codes } } },
                ],
            });
            let mut answer = json!({
                "description": listed,
                "content": { "application/problem+json": { "schema": schema } },
            });
            if *status == 503 {
                answer["headers"]["Retry-After"] =
                    json!({ "$ref": "#/components/headers/Retry-After" });
            }
            self.answers.insert(status.to_string(), answer);
        }
        self
    }

    /// As the document has it.
    pub(super) fn told(self, route: Route) -> Value {
        let Self { summary, tag, parameters, request, answers, security } = self;
        let who = route.who();
        let security: Vec<Value> = security
            .into_iter()
            .map(|it| if it.is_empty() { json!({}) } else { json!({ it: [] }) })
            .collect();
        let mut told = json!({
            "operationId": route.name(),
            "tags": [tag],
            "summary": summary,
            "description": who.sentence(),
            "x-greffe-who": who.word(),
            "security": security,
            "responses": answers,
        });
        if !parameters.is_empty() {
            told["parameters"] = Value::Array(parameters);
        }
        if let Some(request) = request {
            told["requestBody"] = request;
        }
        told
    }
}
