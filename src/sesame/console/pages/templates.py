"""Templates: the source, and what becomes of it with data, rendered as it would be sent and shown without any right."""

import json
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.console import mail_view
from sesame.console.calls import Call, call, sample
from sesame.console.visit import Page, Visit, framed, problem_of
from sesame.errors import AccessDenied, ServiceError

PAGE = 50
PARTS = {"subject": "Subject", "text": "Text", "html": "Html"}
LONGEST_DATA = 4_000
"""Characters of data in an address."""


async def show_list(visit: Visit) -> Response:
    """The templates by name."""
    after = visit.query.get("after", "")
    answer = await visit.listed("ListEmailTemplates", after=after, size=PAGE)
    found = answer["TemplatesMetadata"]
    return visit.page(
        "templates.html",
        found=found,
        more=found[-1]["TemplateName"] if answer.get("NextToken") and found else None,
        is_first=not after,
        calls=[sample("List the templates", call("sesv2", "ListEmailTemplates"))],
    )


async def ask_new(visit: Visit) -> Response:
    """The form for a new one."""
    given = {"name": "", "subject": "", "text": "", "html": ""}
    return _form(visit, given, is_new=True)


def _form(
    visit: Visit, given: dict[str, str], *, is_new: bool, problem: str = "", status: int = 200
) -> Response:
    example = given
    if not any(given.values()):
        example = {"name": "welcome", "subject": "Welcome, {{name}}", "text": "Hello {{name}}.", "html": ""}
    keeps = [sample("Keep it", _keeping(example, is_new=is_new))]
    return visit.page(
        "template_edit.html", status=status, problem=problem, given=given, is_new=is_new, calls=keeps
    )


def _keeping(given: dict[str, str], *, is_new: bool) -> Call:
    operation = "CreateEmailTemplate" if is_new else "UpdateEmailTemplate"
    return call("sesv2", operation, TemplateName=given["name"], TemplateContent=_content(given))


def _given(visit: Visit) -> dict[str, str]:
    return {name: visit.form.get(name, "").replace("\r\n", "\n") for name in ("name", *PARTS)}


def _content(given: dict[str, str]) -> dict[str, str]:
    return {key: given[name] for name, key in PARTS.items() if given[name].strip()}


async def create(visit: Visit) -> Response:
    """Make it; what cannot be read is refused with what was typed kept."""
    given = _given(visit)
    given["name"] = given["name"].strip()
    try:
        await visit.do(_keeping(given, is_new=True))
    except ServiceError as error:
        problem, status = problem_of(error)
        return _form(visit, given, is_new=True, problem=problem, status=status)
    return visit.go(_here(visit, given["name"]), said="kept")


def _here(visit: Visit, name: str) -> str:
    return visit.here(f"/templates/{quote(name, safe='')}")


async def show(visit: Visit) -> Response:
    """The source, and with data what it becomes."""
    name = visit.path_values["name"]
    found = await visit.call("sesv2", "GetEmailTemplate", {"TemplateName": name})
    content = found["TemplateContent"]
    source = "\n".join(content.get(key, "") for key in PARTS.values())
    data = visit.query.get("data", "")[:LONGEST_DATA] or _example(source)
    view, problem = None, ""
    try:
        view = mail_view.look_at(await _rendered(visit, name, data))
    except AccessDenied as error:
        problem = error.message
    except ServiceError as error:
        problem = error.message
    return visit.page(
        "template.html",
        name=name,
        content=content,
        data=data,
        view=view,
        problem=problem,
        frame=f"{_here(visit, name)}/html?{urlencode({'data': data})}",
        test=visit.here(f"/send?{urlencode({'template': name, 'data': data})}"),
        calls=[
            sample("Read the template", call("sesv2", "GetEmailTemplate", TemplateName=name)),
            sample("Render it", _rendering(name, data)),
            sample("Delete it", _deletion(name)),
        ],
    )


def _rendering(name: str, data: str) -> Call:
    return call("sesv2", "TestRenderEmailTemplate", TemplateName=name, TemplateData=data)


def _deletion(name: str) -> Call:
    return call("sesv2", "DeleteEmailTemplate", TemplateName=name)


async def _rendered(visit: Visit, name: str, data: str) -> bytes:
    answer = await visit.do(_rendering(name, data))
    return str(answer["RenderedTemplate"]).encode("ascii", "replace")


def _example(source: str) -> str:
    """Data that names what the template asks for, by its own names."""
    names: dict[str, str] = {}
    for piece in source.split("{{")[1:]:
        name = piece.partition("}}")[0].strip("{ ")
        if name and all(char.isalnum() or char == "_" for char in name):
            names.setdefault(name, name)
    return json.dumps(names, ensure_ascii=False)


async def show_html(visit: Visit) -> Response:
    """The HTML that it becomes, alone, for the frame."""
    data = visit.query.get("data", "")[:LONGEST_DATA]
    try:
        body = mail_view.html_page(await _rendered(visit, visit.path_values["name"], data))
    except AccessDenied:
        raise
    except ServiceError:
        body = ""
    return framed(body)


async def ask_edit(visit: Visit) -> Response:
    """The form to change it."""
    name = visit.path_values["name"]
    content = (await visit.call("sesv2", "GetEmailTemplate", {"TemplateName": name}))["TemplateContent"]
    given = {"name": name, **{part: content.get(key, "") for part, key in PARTS.items()}}
    return _form(visit, given, is_new=False)


async def edit(visit: Visit) -> Response:
    """Replace all parts."""
    name = visit.path_values["name"]
    given = {**_given(visit), "name": name}
    try:
        await visit.do(_keeping(given, is_new=False))
    except ServiceError as error:
        problem, status = problem_of(error)
        return _form(visit, given, is_new=False, problem=problem, status=status)
    return visit.go(_here(visit, name), said="kept")


async def delete(visit: Visit) -> Response:
    """Remove it."""
    await visit.do(_deletion(visit.path_values["name"]))
    return visit.go(visit.here("/templates"), said="gone")


_ONE = "/{region}/templates/{name}"
PAGES = (
    Page(path="/{region}/templates", handler=show_list, leave="ses:ListEmailTemplates"),
    Page(path="/{region}/templates/new", handler=ask_new, leave="ses:CreateEmailTemplate"),
    Page(path="/{region}/templates/new", handler=create, method="POST"),
    Page(path=_ONE, handler=show),
    Page(path=f"{_ONE}/html", handler=show_html),
    Page(path=f"{_ONE}/edit", handler=ask_edit),
    Page(path=f"{_ONE}/edit", handler=edit, method="POST"),
    Page(path=f"{_ONE}/delete", handler=delete, method="POST"),
)
