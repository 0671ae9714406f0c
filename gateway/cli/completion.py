"""Completion for bash and zsh, made from the commands themselves: `gatehouse completion bash`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.cli.build import build
from gateway.cli.common import CHOICES
from gateway.cli.help import COMMON, walk
from gateway.cli.texts import catalogue

SHELLS = ("bash", "zsh")


def script(shell: str, language: str) -> str:
    """The script for `shell`; descriptions, where it shows them, in `language`."""
    tree = list(walk(build(language)))
    return _bash(tree) if shell == "bash" else _zsh(tree, language)


Tree = list[tuple[tuple[str, ...], Any]]


def _options(command: Any) -> list[str]:
    own = [parameter.opts[0] for parameter in command.params if parameter.param_type_name == "option"]
    return [option for option in own if option.startswith("-")]


def _common() -> list[str]:
    return [name.split(", ")[-1] for name in COMMON] + ["--help"]


def _bash(tree: Tree) -> str:
    cases = "\n".join(
        f'    "{" ".join(path)}") words="{" ".join([*getattr(command, "commands", {}), *_options(command)])}" ;;'
        for path, command in tree
    )
    values = "\n".join(f'    {option}) words="{" ".join(choices)}" ;;' for option, choices in _values())
    return f"""# bash completion of gatehouse; put it into /etc/bash_completion.d/gatehouse
_gatehouse() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" path="" words="" at
  case "$before" in
{values}
    --site|--control) COMPREPLY=($(compgen -d -- "$word")); return ;;
  esac
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word")); return; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "${{COMP_WORDS[at]}}" in -*) continue ;; esac
    case " {" ".join(_paths(tree))} " in *" ${{path:+$path/}}${{COMP_WORDS[at]}} "*) path="${{path:+$path/}}${{COMP_WORDS[at]}}" ;; esac
  done
  case "${{path//\\// }}" in
{cases}
  esac
  case "$word" in -*) words="$words {" ".join(_common())}" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _gatehouse gatehouse
"""


def _paths(tree: Tree) -> list[str]:
    return ["/".join(path) for path, _ in tree if path]


def _values() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "-o|--output", CHOICES["output"]
    yield "--lang", CHOICES["language"]
    yield "--role", CHOICES["role"]


def _zsh(tree: Tree, language: str) -> str:
    texts = catalogue(language)
    cases = []
    for path, command in tree:
        rows = [
            f"'{name}:{_plain(texts['help.' + '.'.join((*path, name))])}'" for name in getattr(command, "commands", {})
        ]
        options = " ".join(f"'{option}'" for option in _options(command))
        cases.append(f"    '{' '.join(path)}') below=({' '.join(rows)}); options=({options}) ;;")
    joined = "\n".join(cases)
    return f"""#compdef gatehouse
# zsh completion of gatehouse; put it into a folder of $fpath as _gatehouse
_gatehouse() {{
  local -a given; given=("${{(@)words[2,CURRENT-1]}}")
  local -a options known below; local path='' at
  known=({" ".join(f"'{path}'" for path in _paths(tree))})
  for at in $given; do
    [[ $at == -* ]] && continue
    (( ${{known[(Ie)${{path:+$path/}}$at]}} )) && path="${{path:+$path/}}$at"
  done
  case "${{path//\\// }}" in
{joined}
  esac
  options+=({" ".join(_common())})
  if [[ $PREFIX == -* ]]; then compadd -- $options
  elif (( $#below )); then _describe gatehouse below
  else _files; fi
}}
compdef _gatehouse gatehouse
"""


def _plain(text: str) -> str:
    """One line that a quoted word of zsh can hold."""
    return text.replace("'", "’").replace(":", "\\:").replace("\n", " ")
