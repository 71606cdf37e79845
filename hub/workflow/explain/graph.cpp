#include "hub/workflow/explain/graph.hpp"

#include <algorithm>
#include <array>
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
    const std::string_view word = text.substr(i, length);
    i += length;
    if (++characters > kMaxLabel) return out + "...";
    if (length == 1) {
      const bool plain = (lead >= '0' && lead <= '9') || (lead >= 'a' && lead <= 'z') ||
                         (lead >= 'A' && lead <= 'Z') || lead == ' ' || lead == '.' ||
                         lead == ',' || lead == '-' || lead == '_' || lead == ':' || lead == '/' ||
                         lead == '+' || lead == '=' || lead == '?' || lead == '!';
      if (plain) {
        out += word;
      } else if (lead < 0x20) {
        out += ' ';
      } else {
        out += '#' + std::to_string(static_cast<int>(lead)) + ';';
      }
      continue;
    }
    // U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069
    const bool mark = length == 3 && lead == 0xE2 &&
                      ((word[1] == '\x80' && (word[2] == '\x8E' || word[2] == '\x8F' ||
                                              (word[2] >= '\xAA' && word[2] <= '\xAE'))) ||
                       (word[1] == '\x81' && word[2] >= '\xA6' && word[2] <= '\xA9'));
    if (!mark) out += word;
  }
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + label(text) + '"';
}

// Shapes of nodes: each kind of task has its own.
struct Shape {
  std::string_view kind;
  std::string_view open;
  std::string_view close;
};
constexpr std::array kShapes{
    Shape{"start", "([", "])"}, Shape{"end", "([", "])"},    Shape{"timeout", "([", "])"},
    Shape{"switch", "{", "}"},  Shape{"listen", "[/", "/]"}, Shape{"wait", "(", ")"},
    Shape{"raise", ">", "]"},   Shape{"emit", "[\\", "\\]"}, Shape{"function", "[[", "]]"},
    Shape{"task", "((", "))"},  Shape{"fork", "((", "))"},   Shape{"join", "((", "))"},
    Shape{"each", "{{", "}}"},  Shape{"retry", "(", ")"},    Shape{"passes", "(", ")"},
    Shape{"ask", "[/", "/]"},
};

std::string drawn(const GraphNode& node) {
  if (node.block) return "subgraph " + node.id + "[" + quoted(node.label) + "]";
  const auto* const shape = std::find_if(kShapes.begin(), kShapes.end(),
                                         [&](const Shape& one) { return one.kind == node.kind; });
  const bool plain = shape == kShapes.end();
  return node.id + std::string(plain ? "[" : shape->open) + quoted(node.label) +
         std::string(plain ? "]" : shape->close);
}

class Builder {
 public:
  explicit Builder(const Definition& definition) : model_(definition.model()) {}

  Graph run() {
    node({"start", "start", model_.title.empty() ? model_.name : model_.title, "start"});
    node({"finish", "end", "end", "end"});
    const auto& body = std::get<DoBody>(model_.root->body);
    const Ends ends = list("t", "", tasks_of(body.list), {{"start", start_text(model_)}});
    for (const Exit& exit : ends.next) edge(exit, "finish");
    for (const Exit& exit : ends.end) edge(exit, "finish");
    if (model_.root->timeout != nullptr) {
      node({"expired", "#timeout", "fault: timeout", "timeout"});
      edge({"start", "timeout " + duration_text(*model_.root->timeout), true}, "expired");
    }
    for (std::size_t i = 0; i < model_.functions.size(); ++i) {
      const std::string id = "f" + std::to_string(i);
      const Task& function = *model_.functions[i];
      open({id, "/functions/" + function.name, "function " + function.name, "function"});
      (void)task(id + "_0", "/functions/" + function.name, function);
      close();
    }
    for (std::size_t i = 0; i < model_.extensions.size(); ++i)
      extension("x" + std::to_string(i), model_.extensions[i]);
    return std::move(graph_);
  }

 private:
  // Start of an edge, and the text on it.
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

  void node(GraphNode node) {
    if (!blocks_.empty()) node.parent = blocks_.back();
    if (node.task != nullptr) graph_.tasks.emplace(node.task, graph_.nodes.size());
    graph_.nodes.push_back(std::move(node));
  }
  void open(GraphNode graph_node) {
    graph_node.block = true;
    std::string id = graph_node.id;
    node(std::move(graph_node));
    blocks_.push_back(std::move(id));
  }
  void close() { blocks_.pop_back(); }
  void edge(const Exit& exit, const std::string& to) {
    graph_.edges.push_back({exit.from, to, exit.text, exit.dotted});
  }

  static std::vector<const Task*> tasks_of(const TaskList& list) {
    std::vector<const Task*> out;
    for (const auto& task : list.tasks) out.push_back(task.get());
    return out;
  }

  static void append(std::vector<Exit>& to, const std::vector<Exit>& from) {
    to.insert(to.end(), from.begin(), from.end());
  }

  // at: reference of what holds the tasks.
  Ends list(const std::string& prefix, const std::string& at, const std::vector<const Task*>& tasks,
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
      const Ends ends = task(id(i), at, one);
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
  void extension(const std::string& id, const Extension& extension) {
    const std::string at = "/extensions/" + extension.name;
    open({id, at, "extension " + extension.name + ": " + extension_text(model_, extension),
          "extension"});
    const Ends before = list(id + "_b", at, tasks_of(extension.before), {});
    const std::string work = id + "_task";
    node({work, at + "#task", "the task", "task"});
    std::vector<Exit> after = {{work, {}}};
    for (const Exit& exit : before.next) {
      if (exit.left) {
        after.push_back({exit.from, exit.text.empty() ? "in its place" : exit.text, exit.dotted});
      } else {
        edge(exit, work);
      }
    }
    Ends ends = list(id + "_a", at, tasks_of(extension.after), std::move(after));
    close();
    append(ends.end, before.end);
    for (const Exit& exit : ends.end) edge(exit, "finish");
  }

  // Adds the task; returns where it is left. around: reference of what holds it.
  Ends task(const std::string& id, const std::string& around, const Task& task) {
    const std::string at = around + task.segment;
    std::string title = task.name;
    if (task.condition.has_value()) title += " if " + expression_text(*task.condition);
    const std::string work = task_text(model_, task);
    if (!work.empty()) title += ": " + work;
    const std::vector<TaskPart> parts = parts_of(model_, task);
    GraphNode graph_node{.id = id,
                         .reference = at,
                         .label = std::move(title),
                         .kind = std::string(to_string(task.kind())),
                         .task = &task};
    Ends ends;
    if (parts.empty() || parts.front().kind == TaskPart::Kind::function) {
      if (task.kind() == TaskKind::function) graph_node.kind = "function";
      node(std::move(graph_node));
      ends.next.push_back({id, {}, false});
    } else {
      open(std::move(graph_node));
      for (const TaskPart& p : parts) part({id, at}, task, p, ends);
      close();
    }
    side_edges({id, at}, task);
    return ends;
  }

  // A task on its way: its id and its reference.
  struct Place {
    std::string id;
    std::string at;
  };
  void helper(const Place& of, std::string_view suffix, std::string_view kind,
              std::string_view text) {
    node({of.id + std::string(suffix), of.at + "#" + std::string(kind), std::string(text),
          std::string(kind)});
  }

  void part(const Place& of, const Task& task, const TaskPart& part, Ends& ends) {
    switch (part.kind) {
      case TaskPart::Kind::branches:
        return branches(of, task, part, ends);
      case TaskPart::Kind::loop:
        return loop(of, task, part, ends);
      case TaskPart::Kind::handler:
        return handler(of, task, part, ends);
      default:
        break;
    }
    const Ends inner = list(of.id + "_", of.at, part.tasks, {});
    append(ends.end, inner.end);
    append(ends.next, inner.next);
    if (const auto* attempt = std::get_if<TryBody>(&task.body))
      after_error(of, task, *attempt, ends);
  }

  void branches(const Place& of, const Task& one, const TaskPart& part, Ends& ends) {
    const std::string& id = of.id;
    const bool race = std::get<ForkBody>(one.body).compete;
    helper(of, "_in", "fork", race ? "race" : "fork");
    helper(of, "_out", "join", race ? "first" : "join");
    for (std::size_t i = 0; i < part.tasks.size(); ++i) {
      const std::string branch = id + "_" + std::to_string(i);
      edge({id + "_in", part.tasks[i]->name, false}, branch);
      const Ends inner = task(branch, of.at, *part.tasks[i]);
      append(ends.end, inner.end);
      if (part.tasks[i]->kind() == TaskKind::raise) continue;
      for (const Exit& exit : inner.next) edge(exit, id + "_out");
    }
    ends.next.push_back({id + "_out", {}, false});
  }

  void loop(const Place& of, const Task& task, const TaskPart& part, Ends& ends) {
    const std::string& id = of.id;
    helper(of, "_in", "each", "each " + list_text(model_, task));
    const Ends inner = list(id + "_", of.at, part.tasks, {{id + "_in", "next", false}});
    for (const Exit& exit : inner.next) edge(exit, id + "_in");
    append(ends.end, inner.end);
    ends.next.push_back({id + "_in", "no more", false});
  }

  void handler(const Place& of, const Task& task, const TaskPart& part, Ends& ends) {
    const std::string& id = of.id;
    open({id + "_c", of.at + "#catch", "catch " + catch_text(task), "catch"});
    const Ends inner = list(id + "_c", of.at, part.tasks, {});
    close();
    append(ends.end, inner.end);
    edge({id + "_0", "error", true}, id + "_c0");
    append(ends.next, inner.next);
  }

  // Draws the retries and the raising of errors of a try; its handler is drawn elsewhere.
  void after_error(const Place& of, const Task& task, const TryBody& attempt, Ends& ends) {
    const std::string& id = of.id;
    if (attempt.retry != nullptr) {
      helper(of, "_r", "retry", "retry: " + retry_text(*attempt.retry));
      edge({id + "_0", "error", true}, id + "_r");
      edge({id + "_r", {}, true}, id + "_0");
    } else if (!attempt.has_handler) {
      helper(of, "_r", "passes", "error passes: " + catch_text(task));
      edge({id + "_0", "error", true}, id + "_r");
      ends.next.push_back({id + "_r", {}, false});
    }
  }

  void side_edges(const Place& of, const Task& task) {
    const std::string& id = of.id;
    if (task.compensate.has_value()) {
      helper(of, "_u", "undo", "undo: " + task.compensate->call.title);
      edge({id, "when it fails later", true}, id + "_u");
    }
    if (task.on_failure == OnFailure::ask) {
      helper(of, "_a", "ask", "a person is asked");
      edge({id, "when a call fails for good", true}, id + "_a");
    }
    if (task.timeout == nullptr) return;
    helper(of, "_t", "timeout", "fault: timeout");
    edge({id, "after " + duration_text(*task.timeout), true}, id + "_t");
  }

  const Definition::Model& model_;
  Graph graph_;
  // Ids of the blocks that are open.
  std::vector<std::string> blocks_;
};

}  // namespace

Graph graph_of(const Definition& definition) {
  return Builder(definition).run();
}

const GraphNode* node_at(const Definition& definition, const Graph& graph,
                         std::string_view reference) {
  const Task* const task = locate(definition.model(), reference).task;
  const auto found = graph.tasks.find(task);
  return task == nullptr || found == graph.tasks.end() ? nullptr : &graph.nodes[found->second];
}

std::string mermaid(const Definition& definition) {
  const Graph graph = graph_of(definition);
  std::string out = "flowchart TD\n";
  std::vector<std::string> blocks;
  const auto line = [&](const std::string& text) {
    out.append((blocks.size() + 1) * 2, ' ').append(text).append("\n");
  };
  const auto close_to = [&](const std::string& parent) {
    while (!blocks.empty() && blocks.back() != parent) {
      blocks.pop_back();
      line("end");
    }
  };
  for (const GraphNode& node : graph.nodes) {
    close_to(node.parent);
    line(drawn(node));
    if (node.block) blocks.push_back(node.id);
  }
  close_to("");
  // Edges stand at the end: Mermaid puts a node into the subgraph that names it first.
  for (const GraphEdge& edge : graph.edges) {
    line(edge.from + (edge.dotted ? " -.->" : " -->") +
         (edge.label.empty() ? std::string() : "|" + quoted(edge.label) + "|") + ' ' + edge.to);
  }
  return out;
}

Json to_json(const Definition& definition, const Graph& graph) {
  std::map<std::string, std::string, std::less<>> references;
  for (const GraphNode& node : graph.nodes) references.emplace(node.id, node.reference);
  Json nodes = Json::array();
  for (const GraphNode& node : graph.nodes) {
    Json member_value =
        Json::object({{"id", node.reference}, {"label", node.label}, {"kind", node.kind}});
    if (!node.parent.empty()) member_value.set("parent", references.at(node.parent));
    nodes.push_back(std::move(member_value));
  }
  Json edges = Json::array();
  for (const GraphEdge& edge : graph.edges) {
    Json item = Json::object({{"from", references.at(edge.from)}, {"to", references.at(edge.to)}});
    if (!edge.label.empty()) item.set("label", edge.label);
    if (edge.dotted) item.set("dotted", true);
    edges.push_back(std::move(item));
  }
  return Json::object({{"workflow", definition.name()},
                       {"version", definition.version()},
                       {"nodes", std::move(nodes)},
                       {"edges", std::move(edges)}});
}

}  // namespace rabt::workflow
