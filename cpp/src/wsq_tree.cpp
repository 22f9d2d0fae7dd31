#include "wsq_tree.h"

#include <algorithm>

namespace matcher::wsq {

int first_half(int length, bool reversed) { return reversed ? length / 2 : (length + 1) / 2; }

Tree build_tree(int width, int height) {
    Tree tree;
    // Top left, top right, bottom left, bottom right.
    const auto split = [&tree](const Region& parent) {
        tree.splits.push_back(parent);
        const int left = first_half(parent.width, parent.reversed_x);
        const int top = first_half(parent.height, parent.reversed_y);
        const int right = parent.width - left;
        const int bottom = parent.height - top;
        return std::array<Region, 4>{{{parent.x, parent.y, left, top, false, false},
                                      {parent.x + left, parent.y, right, top, true, false},
                                      {parent.x, parent.y + top, left, bottom, false, true},
                                      {parent.x + left, parent.y + top, right, bottom, true, true}}};
    };
    std::size_t next = 0;
    const auto keep = [&tree, &next](const Region& band) { tree.subbands[next++] = band; };

    const auto level1 = split({0, 0, width, height, false, false});
    const auto level2 = split(level1[0]);
    const auto level3 = split(level2[0]);
    const auto level4 = split(level3[0]);
    for (const Region& band : split(level4[0])) keep(band);                 // 0 to 3
    for (int i = 1; i < 4; ++i) keep(level4[static_cast<std::size_t>(i)]);  // 4 to 6
    for (int i = 1; i < 4; ++i) {                                           // 7 to 18
        for (const Region& band : split(level3[static_cast<std::size_t>(i)])) keep(band);
    }
    for (int i = 1; i < 3; ++i) {  // 19 to 50
        for (const Region& quarter : split(level2[static_cast<std::size_t>(i)])) {
            for (const Region& band : split(quarter)) keep(band);
        }
    }
    keep(level2[3]);               // 51
    for (int i = 1; i < 3; ++i) {  // 52 to 59
        for (const Region& band : split(level1[static_cast<std::size_t>(i)])) keep(band);
    }
    std::reverse(tree.splits.begin(), tree.splits.end());
    return tree;
}

}  // namespace matcher::wsq
