#include <exception>
#include <iostream>

#include "meadow/kernels/isa.h"

int main() {
  try {
    meadow::resolve_isa();
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  std::cout << "active: " << meadow::isa_name(meadow::active_isa()) << "\navailable:";
  for (const meadow::Isa isa : meadow::available_isas()) std::cout << ' ' << meadow::isa_name(isa);
  std::cout << '\n';
}
