#include "wsq_synthesis.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

namespace matcher::wsq {
namespace {

enum Channel : std::size_t { kLow = 0, kHigh = 1 };

// Output sample 2 q + parity takes `gain` times the channel's sample q + offset.
struct Tap {
    int offset;
    float gain;
};

using Phase = std::vector<Tap>;

// taps[parity][channel]
struct Polyphase {
    std::array<std::array<Phase, 2>, 2> taps;
    int reach = 0;  // largest |offset|
    bool odd = true;
};

int floor_half(int value) { return value >= 0 ? value / 2 : -((1 - value) / 2); }

Polyphase polyphase(const Filters& filters) {
    Polyphase result;
    result.odd = filters.lo.size() % 2 == 1;
    for (const Channel channel : {kLow, kHigh}) {
        const std::vector<float>& filter = channel == kLow ? filters.lo : filters.hi;
        const int length = static_cast<int>(filter.size());
        // Odd filters are centred on a sample, a low band's on even ones and a high band's on odd ones; even
        // filters are centred between samples 2 q and 2 q + 1, for both bands.
        const int centre = result.odd ? (length - 1) / 2 : length / 2 - 1;
        const int lag = result.odd && channel == kHigh ? 1 : 0;
        for (int tap = 0; tap < length; ++tap) {
            const int shift = tap - centre + lag;  // output position minus 2 x channel index
            const int parity = ((shift % 2) + 2) % 2;
            const int offset = -floor_half(shift);
            result.taps[static_cast<std::size_t>(parity)][channel].push_back(
                {offset, filter[static_cast<std::size_t>(tap)]});
            result.reach = std::max(result.reach, std::abs(offset));
        }
    }
    return result;
}

// Where sample `index` of a channel outside 0..n-1 lies by symmetry, and with which sign; sign 0: it is zero.
struct Mirrored {
    int index;
    float sign;
};

// `length` is that of the signal, both channels together. Odd filters: the interleaved channels are mirrored
// at the first and last sample. Even filters: half a sample beyond them, the high band with its sign turned.
Mirrored mirror(int index, int length, Channel channel, bool odd) {
    if (odd) {
        if (length == 1) return {0, channel == kLow ? 1.0F : 0.0F};
        const int period = 2 * (length - 1);
        int at = (2 * index + static_cast<int>(channel)) % period;
        if (at < 0) at += period;
        if (at > length - 1) at = period - at;
        return {at / 2, 1.0F};
    }
    int at = index % length;
    if (at < 0) at += length;
    const int count = channel == kLow ? (length + 1) / 2 : length / 2;
    if (at < count) return {at, 1.0F};
    if (channel == kHigh && 2 * at == length - 1) return {0, 0.0F};
    return {length - 1 - at, channel == kLow ? 1.0F : -1.0F};
}

// Rebuilds the columns of a region into `out` (region.height x region.width, packed).
void join_rows(const Region& region, const Polyphase& bank, const float* in, std::size_t stride, float* out) {
    const int first = first_half(region.height, region.reversed_y);
    const int low_at = region.reversed_y ? first : 0;
    const int high_at = region.reversed_y ? 0 : first;
    const auto width = static_cast<std::size_t>(region.width);
    for (int row = 0; row < region.height; ++row) {
        float* target = out + static_cast<std::size_t>(row) * width;
        std::fill_n(target, width, 0.0F);
        for (const Channel channel : {kLow, kHigh}) {
            for (const Tap& tap : bank.taps[static_cast<std::size_t>(row % 2)][channel]) {
                const Mirrored from = mirror(row / 2 + tap.offset, region.height, channel, bank.odd);
                if (from.sign == 0.0F) continue;
                const float gain = tap.gain * from.sign;
                const auto source_row =
                    static_cast<std::size_t>((channel == kLow ? low_at : high_at) + from.index);
                const float* source = in + source_row * stride;
                for (std::size_t x = 0; x < width; ++x) target[x] += gain * source[x];
            }
        }
    }
}

// Rebuilds the rows of a region from `in` (packed) into `out` (the image).
class RowJoiner {
  public:
    RowJoiner(const Region& region, const Polyphase& bank) : region_(region), bank_(bank) {
        for (const Channel channel : {kLow, kHigh}) {
            const int padded = (region.width + 1) / 2 + 2 * bank.reach;
            for (int i = 0; i < padded; ++i) {
                sources_[channel].push_back(mirror(i - bank.reach, region.width, channel, bank.odd));
            }
            padded_[channel].resize(static_cast<std::size_t>(padded));
        }
        for (auto& half : halves_) half.resize(static_cast<std::size_t>((region.width + 1) / 2));
    }

    void join(const float* in, float* out) {
        const int first = first_half(region_.width, region_.reversed_x);
        const float* bands[2] = {in + (region_.reversed_x ? first : 0),
                                 in + (region_.reversed_x ? 0 : first)};
        for (const Channel channel : {kLow, kHigh}) extend(channel, bands[channel]);
        for (std::size_t parity = 0; parity < 2; ++parity) filter(parity);
        for (std::size_t x = 0; x < static_cast<std::size_t>(region_.width); ++x)
            out[x] = halves_[x % 2][x / 2];
    }

  private:
    void extend(Channel channel, const float* band) {
        const auto reach = static_cast<std::size_t>(bank_.reach);
        const auto count =
            static_cast<std::size_t>(channel == kLow ? (region_.width + 1) / 2 : region_.width / 2);
        std::vector<float>& line = padded_[channel];
        std::copy_n(band, count, line.begin() + bank_.reach);
        const auto mirrored = [&](std::size_t i) {
            const Mirrored from = sources_[channel][i];
            line[i] = from.sign == 0.0F ? 0.0F : from.sign * band[from.index];
        };
        for (std::size_t i = 0; i < reach; ++i) mirrored(i);
        for (std::size_t i = reach + count; i < line.size(); ++i) mirrored(i);
    }

    void filter(std::size_t parity) {
        std::vector<float>& half = halves_[parity];
        std::fill(half.begin(), half.end(), 0.0F);
        for (const Channel channel : {kLow, kHigh}) {
            for (const Tap& tap : bank_.taps[parity][channel]) {
                const float* line = padded_[channel].data() + bank_.reach + tap.offset;
                for (std::size_t i = 0; i < half.size(); ++i) half[i] += tap.gain * line[i];
            }
        }
    }

    Region region_;
    const Polyphase& bank_;
    std::array<std::vector<Mirrored>, 2> sources_;
    std::array<std::vector<float>, 2> padded_;
    std::array<std::vector<float>, 2> halves_;
};

}  // namespace

void synthesise(const Tree& tree, const Filters& filters, int width, std::vector<float>& pixels) {
    const Polyphase bank = polyphase(filters);
    const auto stride = static_cast<std::size_t>(width);
    std::vector<float> columns_done(pixels.size());
    for (const Region& region : tree.splits) {
        if (region.width == 0 || region.height == 0) continue;
        float* corner = pixels.data() + static_cast<std::size_t>(region.y) * stride + region.x;
        join_rows(region, bank, corner, stride, columns_done.data());
        RowJoiner joiner(region, bank);
        for (std::size_t row = 0; row < static_cast<std::size_t>(region.height); ++row) {
            const float* line = columns_done.data() + row * static_cast<std::size_t>(region.width);
            joiner.join(line, corner + row * stride);
        }
    }
}

}  // namespace matcher::wsq
