// Votes of a finger's minutiae for the rows of a gallery: the first, coarse stage of a search.
//
// Each minutia of a gallery is a posting: the row it belongs to, and its neighbourhood as a product-quantised
// code (Jegou, Douze & Schmid, "Product Quantization for Nearest Neighbor Search", TPAMI 2011), 16 parts of 4
// bits, laid out so that a byte shuffle looks a part up for many postings at once (Andre, Kermarrec & Le
// Scouarnec, "Cache locality is not enough", VLDB 2015). Postings stand in lists by their nearest coarse
// centre; a probe's minutia looks into the lists nearest to it. A posting near enough votes for its row, the
// nearer the more; of all postings of a row, the best counts for each of the probe's minutiae.
//
// All of it is integer arithmetic: every instruction set gives the same votes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace matcher::fingerprint {

constexpr int kCodeBytes = 8;  // low four bits of byte b: part 2 b, high four bits: part 2 b + 1
constexpr int kCodeParts = 2 * kCodeBytes;
constexpr int kPartCentres = 16;
constexpr int kTableBytes = kCodeParts * kPartCentres;

constexpr std::size_t kSegmentRows = 65536;  // rows of a segment are numbered by 16 bits
constexpr std::size_t kOverread = 64;        // bytes that must be readable behind the last code
constexpr int kMaxVoters = 128;              // minutiae of a probe

constexpr int kFactorShift = 8;  // a row's votes are its sum times its factor, shifted by this

struct VoteProbe {
    const std::uint8_t* tables;   // voters x kTableBytes: quantised distance of each part to each centre
    const std::uint8_t* bases;    // voters: what is added to the sum of the parts
    const std::int32_t* lists;    // voters x probed: the lists to look into
    const std::uint8_t* weights;  // 256: vote at each distance; a saturated sum, 255, must give 0
    int voters;
    int probed;
};

// Postings of up to kSegmentRows rows. In list l, which holds m = offsets[l + 1] - offsets[l] postings, byte
// b of the j-th code is codes[8 * offsets[l] + b * m + j], its row rows[offsets[l] + j].
struct Postings {
    const std::uint8_t* codes;
    const std::uint16_t* rows;
    const std::uint32_t* offsets;  // lists + 1
    std::size_t lists;
};

// Postings in the order of arrival: byte b of code j is codes[b * stride + j], its list lists[j]. All are
// looked at; those of the lists that a minutia looks into vote.
struct TailPostings {
    const std::uint8_t* codes;
    std::size_t stride;
    const std::uint16_t* lists;
    const std::uint16_t* rows;
    std::size_t count;
};

// What makes of sums the votes: out[numbers[r]] = min(65535, sum[r] * factors[minutiae[r]] >> kFactorShift).
struct RowTable {
    const std::int32_t* numbers;
    const std::uint8_t* minutiae;
    const std::uint16_t* factors;  // 256
    std::size_t rows;
};

// Throws std::out_of_range where offsets fall.
void check_offsets(const Postings& postings);

// Throws std::out_of_range where a list or a row number leaves its array.
void vote(const VoteProbe& probe, const Postings& postings, const RowTable& table, std::uint16_t* out,
          std::size_t out_size);
void vote(const VoteProbe& probe, const TailPostings& postings, const RowTable& table, std::uint16_t* out,
          std::size_t out_size);

// Adds votes of rows to the totals of their owners; of several rows of one owner the most counts. A row
// counts where alive[r] is not 0 and, unless `allowed` is null, bit r % 64 of allowed[r / 64] is set.
struct RowVotes {
    const std::uint16_t* votes;
    const std::uint8_t* alive;
    const std::uint64_t* allowed;
    const std::int32_t* owners;  // null: each row owns itself; a negative owner has no total
    std::size_t rows;
};
void add_votes(const RowVotes& rows, std::uint16_t* totals, std::size_t count);

// Places and totals of the `most` highest that are not 0, by falling total, then by place.
std::vector<std::pair<std::int32_t, std::uint16_t>> most_votes(const std::uint16_t* totals, std::size_t count,
                                                               std::size_t most);

}  // namespace matcher::fingerprint
