"""
The tests' side of a problem given as Python assertions, and checkers. It runs in a box of its own, which never holds a solution: what a
test calls is a proxy that asks, through the channel, the box where the solution is.
"""

import ast
import builtins
import io
import json

from longcot_program import CHANNEL, PREAMBLE_CODE, describe, new_module, send
from longcot_values import NotPlain, decode, encode


class SolutionError(Exception):
    """The solution raised, or ended, in a call that the test did not expect to fail."""


def serve_tests(prefix, tests, entry_point):
    """
    Commands, a line each: `{"count": true}` → how many tests there are; `{"run": k}` → the verdict on one of them. A `call` may be sent
    before a verdict, and its answer is read from the next line.
    """
    lines = iter(io.open(CHANNEL, "r", encoding="utf-8", closefd=False))
    for line in lines:
        command = json.loads(line)
        try:
            cases = split(tests, entry_point)
            if "count" in command:
                send({"count": len(cases)})
                continue
            verdict = run(cases[command["run"]], prefix, entry_point, lines)
        except SyntaxError as error:
            verdict = {"verdict": "invalid", "detail": describe(error)}
        send(verdict)


def serve_checker(checker):
    """One line `{input, output, expected}` → a verdict by the checker's function `check(input, output, expected)`."""
    module = new_module("checker")
    line = io.open(CHANNEL, "r", encoding="utf-8", closefd=False).readline()
    try:
        exec(compile(checker, "checker.py", "exec", dont_inherit=True), module.__dict__)
        case = json.loads(line)
        send({"verdict": "pass" if accepts(module, case, case["output"]) else "fail"})
    except BaseException as error:
        send({"verdict": "invalid", "detail": describe(error)})


def accepts(module, case, output):
    """Raising on an output is refusing it, as long as the checker accepts the expected one."""
    try:
        return module.check(case["input"], output, case["expected"])
    except BaseException:
        if output == case["expected"] or not module.check(case["input"], case["expected"], case["expected"]):
            raise
        return False


def split(tests, entry_point):
    """One module per assertion of `check(candidate)`, or of the text itself where there is no entry point; what is no assertion is in all of them."""
    modules = []
    for text in tests:
        tree = ast.parse(text)
        check = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"), None)
        if entry_point is None or check is None:
            body, assemble = tree.body, lambda part: ast.Module(body=part, type_ignores=[])
        else:
            body = check.body
            assemble = lambda part, tree=tree, check=check: with_body(tree, check, part)
        asserting = [i for i, node in enumerate(body) if any(isinstance(inner, ast.Assert) for inner in ast.walk(node))]
        if not asserting:
            modules.append(assemble(body))
        for chosen in asserting:
            modules.append(assemble([node for i, node in enumerate(body) if i == chosen or i not in asserting]))
    return modules


def with_body(tree, check, body):
    replaced = ast.FunctionDef(**{**{name: getattr(check, name) for name in check._fields if hasattr(check, name)}, "body": body})
    ast.copy_location(replaced, check)
    return ast.Module(body=[replaced if node is check else node for node in tree.body], type_ignores=[])


def run(tree, prefix, entry_point, lines):
    module = new_module("tests")
    namespace = module.__dict__
    remote = Remote(lines, namespace)
    try:
        exec(PREAMBLE_CODE, namespace)
        exec(compile(prefix, "prefix.py", "exec", dont_inherit=True), namespace)
        code = compile(tree, "tests.py", "exec", dont_inherit=True)
    except BaseException as error:
        return {"verdict": "invalid", "detail": describe(error)}
    if entry_point is None:
        for name in solution_names(tree, namespace):
            namespace[name] = Proxy(remote, {"expression": name})
    try:
        exec(code, namespace)
        if entry_point is not None and "check" in namespace:
            namespace["check"](Proxy(remote, {"expression": entry_point}))
    except AssertionError:
        return {"verdict": "fail"}
    except SolutionError as error:
        return {"verdict": "error", "detail": error.args[0]}
    except NotPlain as error:
        return {"verdict": "invalid", "detail": {"name": "NotPlain", "message": f"a test passes {error}, which cannot leave its process"}}
    except BaseException as error:
        # A value of the wrong type breaks an assertion as often as it fails it; a test that never reached the solution is broken itself.
        return {"verdict": "fail" if remote.answered else "invalid", "detail": describe(error)}
    return {"verdict": "pass"}


def solution_names(tree, namespace):
    """
    What a test reads and neither defines nor finds built in. A library's name counts only where nothing else does: a solution may well
    be called `gcd`, but it must not bring its own `Counter` to be compared by.
    """
    nodes = list(ast.walk(tree))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    own = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)) and node.name}
    imports = [alias for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    own |= {(alias.asname or alias.name).partition(".")[0] for alias in imports}
    free = read - own - set(vars(builtins))
    return (free - set(namespace)) or (free & called)


class Remote:
    """Asks the solution's box. `answered`: at least one call came back."""

    def __init__(self, lines, namespace):
        self.lines = lines
        self.namespace = namespace
        self.answered = False

    def call(self, target, arguments, named):
        known = lambda cls: cls.__module__ == "tests"
        send({"call": {**target, "arguments": encode((list(arguments), named), known), "mutable": True}})
        line = next(self.lines, '{"error": {"kind": "gone"}}')
        self.answered = True
        try:
            reply = json.loads(line)
            if "error" in reply:
                raise SolutionError(reply["error"])
            if "after" in reply:
                restore((list(arguments), named), decode(reply["after"], self.known_class))
            if "value" in reply:
                return decode(reply["value"], self.known_class)
            return Proxy(self, {"handle": int(reply["handle"])})
        except Exception as error:
            # A solution writes what it likes: nothing it sends may look like a fault of the test.
            raise error if isinstance(error, SolutionError) else SolutionError(describe(error)) from None

    def known_class(self, name):
        """A class of the test's own side: no solution may pick one from a library that is equal to everything."""
        found = self.namespace.get(name)
        return found if isinstance(found, type) and found.__module__ == "tests" else None


class Proxy:
    """A function, class or object of the solution: attributes and calls go there, nothing else does. Never equal to anything."""

    def __init__(self, remote, target):
        self.__remote = remote
        self.__target = target

    def __getattr__(self, name):
        return Proxy(self.__remote, {**self.__target, "attributes": [*self.__target.get("attributes", ()), name]})

    def __call__(self, *arguments, **named):
        return self.__remote.call(self.__target, arguments, named)


def restore(arguments, after):
    """Writes into the test's own containers what the call left in them."""
    for own, changed in (*zip(arguments[0], after[0]), *((arguments[1][name], after[1][name]) for name in arguments[1] if name in after[1])):
        if type(own) is type(changed):
            if isinstance(own, list):
                own[:] = changed
            elif isinstance(own, (dict, set)):
                own.clear()
                own.update(changed)
            elif hasattr(own, "__dict__"):
                vars(own).update(vars(changed))
