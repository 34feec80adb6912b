#include <iostream>
#include <memory>
#include <string>

#include "commands.hpp"

namespace tools {

std::function<void()> define_completion(command& to) {
  auto shell = std::make_shared<std::string>("bash");
  to.describe("Prints a script; source it, or install it as the script says.",
              "source <(prefopt completion)");
  to.add("--shell", *shell, "which shell").one_of({"bash"});
  return [shell] { std::cout << bash_completion(prefopt_program); };
}

}  // namespace tools
