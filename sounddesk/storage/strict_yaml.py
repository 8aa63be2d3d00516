"""PyYAML's safe loader and writer without what makes a small text huge or a slip silent."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


def dump_yaml(data: Any) -> str:
    """YAML text that `storage.text_formats.parse_yaml` reads back: values that are shared are written out each time."""
    return yaml.dump(data, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120)


class _PlainDumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


class StrictLoader(yaml.SafeLoader):
    """No aliases (nested ones double the value at each level), and no key twice in one mapping."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f"the alias *{event.anchor} is not allowed: write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if (key_node.tag, key_node.value) in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key_node.value!r} is given twice", key_node.start_mark
                    )
                seen.add((key_node.tag, key_node.value))
        return super().construct_mapping(node, deep=deep)
