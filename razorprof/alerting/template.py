"""Templates of labels and annotations: the part of Go's text/template that rule files use, on values only.

A template is compiled when its file is read, where what is not supported is refused, and expanded at each
evaluation; what goes wrong then becomes the text `<error expanding template: ...>`, as in Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from razorprof.model.labels import Labels

Answer = Sequence[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class TemplateData:
    """What a template sees. labels: those of the query's result, without the rule's; time: of the evaluation, Unix
    seconds; ask: answers the template's own queries at that time, None where that is not possible."""

    labels: Mapping[str, str]
    value: float
    time: float = 0.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    ask: Callable[[str], Answer] | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. is_plain: it holds no action, so that its text is what comes out."""

    text: str
    is_plain: bool = True

    def expand(self, data: TemplateData) -> str:
        """The text with its actions carried out. Never raises; bounded in time and size."""
        raise NotImplementedError


def compile_template(text: str) -> Template:
    """Raises UsageError for one that cannot be parsed, NotSupported for functions that are not ours."""
    raise NotImplementedError
