"""Operations on tensors that several networks share."""
