#include "hub/workflow/explain/graph.hpp"

#include <cstdio>
#include <vector>

#include "hub/workflow/explain/describe.hpp"
#include "hub/workflow/explain/task_parts.hpp"

namespace rabt::workflow {

namespace {

// Longer labels make a picture that nobody reads.
constexpr std::size_t kMaxLabel = 80;

// Mermaid takes character references in labels; everything that it or HTML gives a meaning to is
// written as one. Direction marks could make a label look like another.
std::string label(std::string_view text) {
  std::string out;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view one = text.substr(i, length);
    i += length;
    if (++characters > kMaxLabel) return out + "...";
    if (length == 1) {
      const bool plain = (lead >= '0' && lead <= '9') || (lead >= 'a' && lead <= 'z') ||
                         (lead >= 'A' && lead <= 'Z') || lead == ' ' || lead == '.' ||
                         lead == ',' || lead == '-' || lead == '_' || lead == ':' || lead == '/' ||
                         lead == '+' || lead == '=' || lead == '?' || lead == '!';
      if (plain) {
        out += one;
      } else if (lead < 0x20) {
        out += ' ';
      } else {
        out += '#' + std::to_string(static_cast<int>(lead)) + ';';
      }
      continue;
    }
    // U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069
    const bool mark = length == 3 && lead == 0xE2 &&
                      ((one[1] == '\x80' && (one[2] == '\x8E' || one[2] == '\x8F' ||
                                             (one[2] >= '\xAA' && one[2] <= '\xAE'))) ||
                       (one[1] == '\x81' && one[2] >= '\xA6' && one[2] <= '\xA9'));
    if (!mark) out += one;
  }
  return out;
}

class Writer {
 public:
  explicit Writer(const Definition& definition) : model_(definition.model()) {}

  std::string run() {
    line("flowchart TD");
    indent_ = 1;
    line("start([" + quoted(model_.title.empty() ? model_.name : model_.title) + "])");
    line("finish([" + quoted("end") + "])");
    const auto& body = std::get<DoBody>(model_.root->body);
    const Ends ends = list("t", tasks_of(body.list), {{"start", start_text(model_)}});
    for (const Exit& exit : ends.next) edge(exit, "finish");
    for (const Exit& exit : ends.end) edge(exit, "finish");
    if (model_.root->timeout != nullptr) {
      line("expired([" + quoted("fault: timeout") + "])");
      edge({"start", "timeout " + duration_text(*model_.root->timeout), true}, "expired");
    }
    for (std::size_t i = 0; i < model_.functions.size(); ++i) {
      const std::string id = "f" + std::to_string(i);
      open(id, "function " + model_.functions[i]->name);
      (void)task(id + "_0", *model_.functions[i]);
      close();
    }
    for (std::size_t i = 0; i < model_.extensions.size(); ++i)
      extension("x" + std::to_string(i), model_.extensions[i]);
    for (const std::string& one : edges_) line(one);
    return std::move(out_);
  }

 private:
  // Where an edge comes from and what stands on it.
  struct Exit {
    std::string from;
    std::string text;
    bool dotted = false;
    bool left = false;  // by `then: exit` of the list it comes out of
  };
  struct Ends {
    std::vector<Exit> next;  // to what follows
    std::vector<Exit> end;   // then: end
  };

  static std::string quoted(std::string_view text) { return '"' + label(text) + '"'; }

  void line(const std::string& text) {
    out_.append(indent_ * 2, ' ');
    out_ += text;
    out_ += '\n';
  }
  void open(const std::string& id, std::string_view title) {
    line("subgraph " + id + "[" + quoted(title) + "]");
    ++indent_;
  }
  void close() {
    --indent_;
    line("end");
  }
  // Edges stand at the end: Mermaid puts a node into the subgraph that names it first.
  void edge(const Exit& exit, const std::string& to) {
    edges_.push_back(exit.from + (exit.dotted ? " -.->" : " -->") +
                     (exit.text.empty() ? std::string() : "|" + quoted(exit.text) + "|") + ' ' +
                     to);
  }

  static std::vector<const Task*> tasks_of(const TaskList& list) {
    std::vector<const Task*> out;
    for (const auto& one : list.tasks) out.push_back(one.get());
    return out;
  }

  static void append(std::vector<Exit>& to, const std::vector<Exit>& from) {
    to.insert(to.end(), from.begin(), from.end());
  }

  Ends list(const std::string& prefix, const std::vector<const Task*>& tasks,
            std::vector<Exit> incoming) {
    Ends out;
    const auto id = [&](std::size_t i) { return prefix + std::to_string(i); };
    const auto follow = [&](const Then& then, const Exit& exit, std::vector<Exit>& next) {
      switch (then.kind) {
        case Then::Kind::next:
          next.push_back(exit);
          next.back().left = false;
          break;
        case Then::Kind::exit:
          out.next.push_back(exit);
          out.next.back().left = true;
          break;
        case Then::Kind::end:
          out.end.push_back(exit);
          break;
        case Then::Kind::jump:
          edge(exit, id(then.target));
          break;
      }
    };
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const Task& one = *tasks[i];
      for (const Exit& exit : incoming) edge(exit, id(i));
      incoming.clear();
      std::vector<Exit> next;
      const Ends ends = task(id(i), one);
      append(out.end, ends.end);
      if (const auto* choice = std::get_if<SwitchBody>(&one.body)) {
        bool always = false;
        for (const SwitchCase& branch : choice->cases) {
          std::string text = branch.name;
          if (branch.when.has_value()) text += ": " + expression_text(*branch.when);
          follow(branch.then, {id(i), std::move(text), false}, next);
          always = always || !branch.when.has_value();
        }
        if (!always) follow(one.then, {id(i), "no case", false}, next);
      } else if (one.kind() != TaskKind::raise) {
        const auto* attempt = std::get_if<TryBody>(&one.body);
        for (const Exit& exit : ends.next) {
          // A catch may lead elsewhere than the task itself.
          const bool caught = attempt != nullptr && attempt->then.has_value() &&
                              exit.from.starts_with(id(i) + "_c");
          follow(caught ? *attempt->then : one.then, exit, next);
        }
      }
      if (one.condition.has_value()) next.push_back({id(i), "skipped", true});
      incoming = std::move(next);
    }
    append(out.next, incoming);
    return out;
  }

  // Drawn once, around a task that stands for those it extends.
  void extension(const std::string& id, const Extension& one) {
    open(id, "extension " + one.name + ": " + extension_text(model_, one));
    const Ends before = list(id + "_b", tasks_of(one.before), {});
    const std::string work = id + "_task";
    line(work + "((" + quoted("the task") + "))");
    std::vector<Exit> after = {{work, {}}};
    for (const Exit& exit : before.next) {
      if (exit.left) {
        after.push_back({exit.from, exit.text.empty() ? "in its place" : exit.text, exit.dotted});
      } else {
        edge(exit, work);
      }
    }
    Ends ends = list(id + "_a", tasks_of(one.after), std::move(after));
    close();
    append(ends.end, before.end);
    for (const Exit& exit : ends.end) edge(exit, "finish");
  }

  // Writes the task; returns where it is left.
  Ends task(const std::string& id, const Task& one) {
    std::string title = one.name;
    if (one.condition.has_value()) title += " if " + expression_text(*one.condition);
    const std::string work = task_text(model_, one);
    if (!work.empty()) title += ": " + work;
    const std::vector<TaskPart> parts = parts_of(model_, one);
    Ends ends;
    if (parts.empty() || parts.front().kind == TaskPart::Kind::function) {
      leaf(id, one, quoted(title));
      ends.next.push_back({id, {}, false});
    } else {
      open(id, title);
      for (const TaskPart& p : parts) part(id, one, p, ends);
      close();
    }
    side_edges(id, one);
    return ends;
  }

  // A task that holds no others: its shape tells its kind.
  void leaf(const std::string& id, const Task& one, const std::string& text) {
    switch (one.kind()) {
      case TaskKind::switch_:
        return line(id + "{" + text + "}");
      case TaskKind::listen:
        return line(id + "[/" + text + "/]");
      case TaskKind::wait:
        return line(id + "(" + text + ")");
      case TaskKind::raise:
        return line(id + ">" + text + "]");
      case TaskKind::emit:
        return line(id + "[\\" + text + "\\]");
      case TaskKind::function:
        return line(id + "[[" + text + "]]");
      default:
        return line(id + "[" + text + "]");
    }
  }

  void part(const std::string& id, const Task& one, const TaskPart& part, Ends& ends) {
    switch (part.kind) {
      case TaskPart::Kind::branches:
        return branches(id, one, part, ends);
      case TaskPart::Kind::loop:
        return loop(id, one, part, ends);
      case TaskPart::Kind::handler:
        return handler(id, one, part, ends);
      default:
        break;
    }
    const Ends inner = list(id + "_", part.tasks, {});
    append(ends.end, inner.end);
    append(ends.next, inner.next);
    if (const auto* attempt = std::get_if<TryBody>(&one.body)) after_error(id, one, *attempt, ends);
  }

  void branches(const std::string& id, const Task& one, const TaskPart& part, Ends& ends) {
    const bool race = std::get<ForkBody>(one.body).compete;
    line(id + "_in((" + quoted(race ? "race" : "fork") + "))");
    line(id + "_out((" + quoted(race ? "first" : "join") + "))");
    for (std::size_t i = 0; i < part.tasks.size(); ++i) {
      const std::string branch = id + "_" + std::to_string(i);
      edge({id + "_in", part.tasks[i]->name, false}, branch);
      const Ends inner = task(branch, *part.tasks[i]);
      append(ends.end, inner.end);
      if (part.tasks[i]->kind() == TaskKind::raise) continue;
      for (const Exit& exit : inner.next) edge(exit, id + "_out");
    }
    ends.next.push_back({id + "_out", {}, false});
  }

  void loop(const std::string& id, const Task& one, const TaskPart& part, Ends& ends) {
    line(id + "_in{{" + quoted("each " + list_text(model_, one)) + "}}");
    const Ends inner = list(id + "_", part.tasks, {{id + "_in", "next", false}});
    for (const Exit& exit : inner.next) edge(exit, id + "_in");
    append(ends.end, inner.end);
    ends.next.push_back({id + "_in", "no more", false});
  }

  void handler(const std::string& id, const Task& one, const TaskPart& part, Ends& ends) {
    open(id + "_c", "catch " + catch_text(one));
    const Ends inner = list(id + "_c", part.tasks, {});
    close();
    append(ends.end, inner.end);
    edge({id + "_0", "error", true}, id + "_c0");
    append(ends.next, inner.next);
  }

  // What a try does with an error, beside its handler.
  void after_error(const std::string& id, const Task& one, const TryBody& attempt, Ends& ends) {
    if (attempt.retry != nullptr) {
      line(id + "_r(" + quoted("retry: " + retry_text(*attempt.retry)) + ")");
      edge({id + "_0", "error", true}, id + "_r");
      edge({id + "_r", {}, true}, id + "_0");
    } else if (!attempt.has_handler) {
      line(id + "_r(" + quoted("error passes: " + catch_text(one)) + ")");
      edge({id + "_0", "error", true}, id + "_r");
      ends.next.push_back({id + "_r", {}, false});
    }
  }

  void side_edges(const std::string& id, const Task& one) {
    if (one.compensate.has_value()) {
      line(id + "_u[" + quoted("undo: " + one.compensate->call.title) + "]");
      edge({id, "when it fails later", true}, id + "_u");
    }
    if (one.on_failure == OnFailure::ask) {
      line(id + "_a[/" + quoted("a person is asked") + "/]");
      edge({id, "when a call fails for good", true}, id + "_a");
    }
    if (one.timeout == nullptr) return;
    line(id + "_t([" + quoted("fault: timeout") + "])");
    edge({id, "after " + duration_text(*one.timeout), true}, id + "_t");
  }

  const Definition::Model& model_;
  std::string out_;
  std::size_t indent_ = 0;
  std::vector<std::string> edges_;
};

}  // namespace

std::string mermaid(const Definition& definition) {
  return Writer(definition).run();
}

}  // namespace rabt::workflow
