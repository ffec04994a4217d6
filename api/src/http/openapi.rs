//! The `OpenAPI` document and its page.

use axum::Router;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, InfoBuilder, ObjectBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa_swagger_ui::SwaggerUi;

/// The whole document: what `/openapi.json` serves.
pub fn document() -> OpenApi {
    finished(super::documented().split_for_parts().1)
}

/// Adds what no route says by itself: who may call, and that everything may be refused with a problem.
pub(super) fn finished(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title("Counterfoil")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Billing and quota decisions for API providers, each an event."))
        .build();
    let components = api.components.get_or_insert_with(Components::default);
    for (name, what) in [("gateway", "A gateway's token"), ("operator", "An operator's token")] {
        components.add_security_scheme(name, bearer(what));
    }
    components.add_security_scheme("account", bearer("An account's own API key"));
    let header = ApiKeyValue::with_description("X-API-Key", "An account's own API key");
    components.add_security_scheme("account_header", SecurityScheme::ApiKey(ApiKey::Header(header)));
    let (name, schema) = problem_schema();
    components.schemas.insert(name, schema);
    api.paths.paths.values_mut().flat_map(operations).for_each(add_problem);
    let tagged = |path: &str| !UNTAGGED.iter().any(|untagged| path.starts_with(untagged));
    let tagged = api.paths.paths.iter_mut().filter(|(path, _)| tagged(path));
    tagged.flat_map(|(_, item)| writes(item)).for_each(add_idempotency_key);
    api
}

/// Where a write is known by the id in its body or path, or is no event.
const UNTAGGED: [&str; 4] = ["/v1/decisions", "/v1/noop", "/v1/clock", "/v1/sandbox"];

fn writes(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { put, post, delete, patch, .. } = item;
    [put, post, delete, patch].into_iter().flatten()
}

fn add_idempotency_key(operation: &mut Operation) {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "1 to 128 printable characters: a repeat gets the first answer, another body a 409",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    operation.parameters.get_or_insert_default().push(key.into());
}

fn bearer(what: &str) -> SecurityScheme {
    let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build();
    SecurityScheme::Http(http)
}

fn problem_schema() -> (String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>) {
    use utoipa::{PartialSchema, ToSchema};
    (super::docs::ProblemBody::name().into_owned(), super::docs::ProblemBody::schema())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn add_problem(operation: &mut Operation) {
    let content = Content::new(Some(Ref::from_schema_name("ProblemBody")));
    let response = ResponseBuilder::new()
        .description("A problem of RFC 9457 with a stable `code`")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".to_owned(), response.into());
}

/// `/docs` and `/openapi.json`, both open to everyone.
pub(super) fn pages<S: Clone + Send + Sync + 'static>(api: OpenApi) -> Router<S> {
    SwaggerUi::new("/docs").url("/openapi.json", api).into()
}
